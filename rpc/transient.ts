/**
 * Which errors are transient, decided by type and code, never by message text: a server or service
 * that is needed cannot do it now. A transient error does not count as an attempt, no message is
 * blamed for it, and a caller is told to try again.
 */
import { isNatsUnavailable } from '../runtime/natsErrors.ts';
import { isDatabaseUnavailable } from '../runtime/postgresErrors.ts';
import { RpcCallError, type RpcCode } from './errors.ts';

const NO_ANSWER: ReadonlySet<RpcCode> = new Set([
  'UNAVAILABLE',
  'DEADLINE_EXCEEDED',
  'RESOURCE_EXHAUSTED',
  'CANCELLED',
]);

/** A service that was called did not answer. */
export function isServiceUnavailable(error: unknown): boolean {
  return error instanceof RpcCallError && NO_ANSWER.has(error.code);
}

/** PostgreSQL, NATS or a service. */
export function isTransient(error: unknown): boolean {
  return isDatabaseUnavailable(error) || isNatsUnavailable(error) || isServiceUnavailable(error);
}
