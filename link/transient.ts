/** Failures of a handler that are not its own and pass by themselves: no attempt is counted. */

import { RpcCallError } from '../rpc/client.ts';
import { isConnectionLost, isSerializationFailure } from '../runtime/postgres.ts';

/** The database was lost, or wants the transaction again. */
export function isDatabaseAway(error: unknown): boolean {
  return isConnectionLost(error) || isSerializationFailure(error);
}

const NO_ANSWER: ReadonlySet<string> = new Set([
  'UNAVAILABLE',
  'DEADLINE_EXCEEDED',
  'RESOURCE_EXHAUSTED',
  'CANCELLED',
]);

/** A service that the handler asked did not answer. */
export function isAnswerMissing(error: unknown): boolean {
  return error instanceof RpcCallError && NO_ANSWER.has(error.code);
}

export function isPassing(error: unknown): boolean {
  return isDatabaseAway(error) || isAnswerMissing(error);
}
