/** What an error of the NATS client says about the server: by class and status, never by its text. */
import { JetStreamApiError } from '@nats-io/jetstream';
import { ConnectionError, RequestError, TimeoutError } from '@nats-io/transport-node';

const MAX_CAUSES = 5; // deeper chains are cycles
/** JetStream has no leader, or is still starting. */
const SERVICE_UNAVAILABLE = 503;

/**
 * True when a request got no answer: it timed out, the connection broke, nobody listened, or
 * JetStream was not ready. Whether it had an effect is unknown. Looks through `cause`.
 */
export function isNatsUnavailable(error: unknown): boolean {
  let current = error;
  for (let depth = 0; depth < MAX_CAUSES && current instanceof Error; depth += 1) {
    if (isUnanswered(current)) return true;
    current = current.cause;
  }
  return false;
}

function isUnanswered(error: Error): boolean {
  if (error instanceof JetStreamApiError) return error.status === SERVICE_UNAVAILABLE;
  return (
    error instanceof TimeoutError ||
    error instanceof RequestError ||
    error instanceof ConnectionError
  );
}
