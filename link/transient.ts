/**
 * Which errors are transient, decided by type and code, never by message text. A transient error
 * does not count as an attempt, and no message is blamed for it.
 */

import { RpcCallError } from '../rpc/client.ts';
import { isConnectionLost, isSerializationFailure } from '../runtime/postgres.ts';

/**
 * The connection was lost, or the transaction must be repeated (serialization failure, deadlock).
 */
export function isDatabaseUnavailable(error: unknown): boolean {
  return isConnectionLost(error) || isSerializationFailure(error);
}

const NO_ANSWER: ReadonlySet<string> = new Set([
  'UNAVAILABLE',
  'DEADLINE_EXCEEDED',
  'RESOURCE_EXHAUSTED',
  'CANCELLED',
]);

/** A service that the handler called did not answer. */
export function isServiceUnavailable(error: unknown): boolean {
  return error instanceof RpcCallError && NO_ANSWER.has(error.code);
}

export function isTransient(error: unknown): boolean {
  return isDatabaseUnavailable(error) || isServiceUnavailable(error);
}
