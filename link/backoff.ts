/** Exponential backoff with full jitter: spreads retries evenly instead of in waves. */

export interface Backoff {
  /** The upper bound of the first wait. */
  readonly baseMs: number;
  /** No wait is longer. */
  readonly capMs: number;
}

/** How long to wait before try `attempt + 1`; `attempt` counts from 1. */
export function backoffMs(
  attempt: number,
  { baseMs, capMs }: Backoff,
  random = Math.random,
): number {
  const bound = Math.min(capMs, baseMs * 2 ** Math.min(attempt - 1, 30));
  return Math.ceil(random() * bound);
}
