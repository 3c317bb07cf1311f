/** What an error of the NATS client says about the server: by class and status, never by its text. */
import { JetStreamApiError } from '@nats-io/jetstream';
import {
  AuthorizationError,
  ConnectionError,
  RequestError,
  TimeoutError,
  UserAuthenticationExpiredError,
} from '@nats-io/transport-node';
import { messageOf } from './errors.ts';

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

/**
 * JetStream's codes for a message that this stream does not take while it takes others. Every other
 * refusal speaks of the stream or the broker: full, no leader, no such stream.
 */
const REFUSED_MESSAGE: ReadonlySet<number> = new Set([
  10_054, // larger than the stream's max_msg_size
  10_097, // its headers are larger than 64 KiB
]);

export function isRefusedMessage(errorCode: number): boolean {
  return REFUSED_MESSAGE.has(errorCode);
}

/** Node's codes for a certificate that nobody here vouches for. */
const UNTRUSTED: ReadonlySet<unknown> = new Set([
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
]);

/** What the error says and, where a setting of ours answers it, which one. */
export function reasonOf(error: unknown): string {
  const said = messageOf(error);
  if (error instanceof AuthorizationError || error instanceof UserAuthenticationExpiredError)
    return `${said}: check the credentials in RELINK_NATS_URL`;
  if (UNTRUSTED.has((error as { code?: unknown } | undefined)?.code))
    return `${said}: name the certificate of its authority in NODE_EXTRA_CA_CERTS`;
  return said;
}

function isUnanswered(error: Error): boolean {
  if (error instanceof JetStreamApiError) return error.status === SERVICE_UNAVAILABLE;
  return (
    error instanceof TimeoutError ||
    error instanceof RequestError ||
    error instanceof ConnectionError
  );
}
