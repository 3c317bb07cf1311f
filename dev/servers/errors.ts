/**
 * Why a server or service could not be started, reached or stopped.
 *
 * - `not_found`: a program that is needed was not found and could not be fetched
 * - `port_taken`: another program listens on the port
 * - `host_unusable`: nothing can listen on the address that was given as host
 * - `data_in_use`: another server uses the data folder
 * - `data_unusable`: the data folder cannot be read or was created by another version
 * - `start_failed`: the process ended before it was ready
 * - `start_timeout`: the process did not become ready in time
 * - `stop_failed`: something could not be stopped or cleaned up
 */
import { CodedError, messageOf } from '../../runtime/errors.ts';

export type ServerErrorCode =
  | 'not_found'
  | 'port_taken'
  | 'host_unusable'
  | 'data_in_use'
  | 'data_unusable'
  | 'start_failed'
  | 'start_timeout'
  | 'stop_failed';

/** The one error of `dev/`: what happened, why, and what to do next. */
export class ServerError extends CodedError<ServerErrorCode> {}

/** Runs every clean-up step, even after a failure, and throws all failures as one error. */
export async function cleanUpAll(what: string, steps: readonly (() => unknown)[]): Promise<void> {
  const causes: unknown[] = [];
  for (const step of steps) {
    try {
      await step();
    } catch (error) {
      causes.push(error);
    }
  }
  if (causes.length === 0) return;
  const reasons = causes.map(messageOf);
  throw new ServerError('stop_failed', `${what}: ${reasons.join('; ')}`, {
    cause: causes.length === 1 ? causes[0] : new AggregateError(causes),
  });
}
