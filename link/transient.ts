/**
 * Which errors pass by themselves: decided by type and code, never by the text of a message. Of
 * these no attempt is counted, and nothing is blamed for them.
 */

import { RpcCallError } from '../rpc/client.ts';
import { isConnectionLost, isSerializationFailure } from '../runtime/postgres.ts';

/** The database was lost, or asks for the transaction again (serialization, deadlock). */
export function isDatabaseUnavailable(error: unknown): boolean {
  return isConnectionLost(error) || isSerializationFailure(error);
}

const NO_ANSWER: ReadonlySet<string> = new Set([
  'UNAVAILABLE',
  'DEADLINE_EXCEEDED',
  'RESOURCE_EXHAUSTED',
  'CANCELLED',
]);

/** A service that the handler asked did not answer. */
export function isServiceUnavailable(error: unknown): boolean {
  return error instanceof RpcCallError && NO_ANSWER.has(error.code);
}

export function isTransient(error: unknown): boolean {
  return isDatabaseUnavailable(error) || isServiceUnavailable(error);
}
