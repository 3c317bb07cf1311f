/**
 * How long the kit waits before it tries or asks again: every policy, and the one formula. How
 * often something is looked at that is well (polls, sweeps, leases) stands where it is done.
 */

export interface Backoff {
  /** The upper bound of the first wait. */
  readonly baseMs: number;
  /** No wait is longer. */
  readonly capMs: number;
}

/** The relay: a message that could not be handed over, and a link's publishing after a failure. */
export const RETRY_BACKOFF: Backoff = { baseMs: 50, capMs: 5_000 };

/** The relay: a sent message without a receipt is asked for after this time, then ever more rarely. */
export const ASK_AFTER_MS = 2_000;
export const ASK_BACKOFF: Backoff = { baseMs: 2_000, capMs: 30_000 };

/** The relay: a message parked at its consumer is asked for, in case its receipt was lost. */
export const PARKED_ASK_MS = 5_000;

/** The relay: a pass that failed, as it does while the database is down. */
export const FAILED_PASS_MS = 250;

/** The inbox: a message whose handler failed, up to its dead letter. */
export const HANDLER_BACKOFF: Backoff = { baseMs: 200, capMs: 10_000 };

/** The inbox: another service, which the handler asked, did not answer. No attempt is counted. */
export const SERVICE_RETRY_MS = 500;

/** The inbox: the database, not the message, was the problem. No attempt is counted. */
export const DATABASE_RETRY_MS = 250;

/** The stream consumer: a missing stream or durable consumer is looked for again. */
export const REBIND_MS = 500;

/**
 * How long to wait before try `attempt + 1`; `attempt` counts from 1. Exponential with full jitter,
 * which spreads retries evenly instead of in waves.
 */
export function backoffMs(
  attempt: number,
  { baseMs, capMs }: Backoff,
  random = Math.random,
): number {
  const bound = Math.min(capMs, baseMs * 2 ** Math.min(attempt - 1, 30));
  return Math.ceil(random() * bound);
}
