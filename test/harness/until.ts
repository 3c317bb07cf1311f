/** Waiting for a condition with a deadline: what tests do instead of sleeping. */

import { setTimeout as sleep } from 'node:timers/promises';

export type UntilOptions = {
  /** Deadline. It costs nothing while all is well: what comes late on a busy machine still comes. */
  withinMs?: number;
  /** What is waited for, for the error. */
  what: string;
  /** Pause between two looks. */
  everyMs?: number;
};

/** A busy machine with two cores needs seconds for what usually takes milliseconds. */
const DEFAULT_WITHIN_MS = 60_000;
const DEFAULT_EVERY_MS = 10;

/**
 * Asks until `condition` answers something truthy, and returns that.
 * Throws after `withinMs`, naming `what` and the last answer or error.
 */
export async function until<T>(
  condition: () => T | Promise<T>,
  { withinMs = DEFAULT_WITHIN_MS, what, everyMs = DEFAULT_EVERY_MS }: UntilOptions,
): Promise<T> {
  const deadline = performance.now() + withinMs;
  let last: unknown;
  do {
    try {
      const answer = await condition();
      if (answer) return answer;
      last = answer;
    } catch (error) {
      last = error;
    }
    await sleep(everyMs);
  } while (performance.now() < deadline);
  const cause = last instanceof Error ? last : undefined;
  const shown = cause ? cause.message : JSON.stringify(last);
  throw new Error(`not within ${withinMs} ms: ${what} (last: ${shown})`, { cause });
}
