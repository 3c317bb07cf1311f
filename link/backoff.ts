/**
 * Every retry delay of the kit, and the one formula behind them. Intervals that are not retries
 * (polls, sweeps, lease renewals) stay with the code that uses them.
 */

export interface Backoff {
  /** The upper bound of the first wait. */
  readonly baseMs: number;
  /** No wait is longer. */
  readonly capMs: number;
}

/** Relay: a message that could not be handed over, and a link's publishing after a failure. */
export const RETRY_BACKOFF: Backoff = { baseMs: 50, capMs: 5_000 };

/** Relay: how long to wait for a receipt before asking for it; then less and less often. */
export const ASK_AFTER_MS = 2_000;
export const ASK_BACKOFF: Backoff = { baseMs: 2_000, capMs: 30_000 };

/** Relay: a message that the stream lost is sent again; then less and less often. */
export const RESEND: Backoff = { baseMs: 1_000, capMs: 3_600_000 };
/** Relay: the same while nobody can tell what the stream has. */
export const GIVE_UP: Backoff = { baseMs: 30_000, capMs: 3_600_000 };

/** Relay: how often to ask about a message parked at its consumer, in case its receipt was lost. */
export const PARKED_ASK_MS = 5_000;

/** Relay: after a failed pass, for example while the database is down. */
export const FAILED_PASS_MS = 250;

/** Inbox: a message whose handler failed, until it becomes a dead letter. */
export const HANDLER_BACKOFF: Backoff = { baseMs: 200, capMs: 10_000 };

/** Inbox: a service that the handler called did not answer. Not counted as an attempt. */
export const SERVICE_RETRY_MS = 500;

/** Inbox: a fault of a deployment. Not counted as an attempt for a while (inbox/patience.ts). */
export const DEPLOYMENT_RETRY_MS = 1_000;

/** Inbox: the database failed, not the message. Not counted as an attempt. */
export const DATABASE_RETRY_MS = 250;

/** Stream consumer: how soon to look again for a missing stream or durable consumer. */
export const REBIND_MS = 500;

/**
 * The delay before attempt `attempt + 1`; `attempt` counts from 1. Exponential with full jitter,
 * which spreads retries out instead of sending them in waves.
 */
export function backoffMs(
  attempt: number,
  { baseMs, capMs }: Backoff,
  random = Math.random,
): number {
  const bound = Math.min(capMs, baseMs * 2 ** Math.min(attempt - 1, 30));
  return Math.ceil(random() * bound);
}
