/** Waiting for a condition with a deadline: what tests do instead of sleeping. */

import { setTimeout as sleep } from 'node:timers/promises';

export type UntilOptions = {
  /** Deadline. It costs nothing while all is well: what comes late on a busy machine still comes. */
  withinMs?: number;
  /** What is waited for, for the error. */
  what: string;
  /** Pause between two looks; longer and longer ones unless given. */
  everyMs?: number;
};

/** A busy machine with two cores needs seconds for what usually takes milliseconds. */
const DEFAULT_WITHIN_MS = 60_000;
/** A look costs what is waited for some of the machine: after a long wait a late one hurts nobody. */
const PAUSE_MS = { min: 5, max: 100, shareOfWait: 0.1 };

/**
 * Asks until `condition` answers something truthy, and returns that.
 * Throws after `withinMs`, naming `what` and the last answer or error.
 */
export async function until<T>(
  condition: () => T | Promise<T>,
  { withinMs = DEFAULT_WITHIN_MS, what, everyMs }: UntilOptions,
): Promise<T> {
  const startedMs = performance.now();
  let last: unknown;
  do {
    try {
      const answer = await condition();
      if (answer) return answer;
      last = answer;
    } catch (error) {
      last = error;
    }
    await sleep(everyMs ?? pauseAfter(performance.now() - startedMs));
  } while (performance.now() - startedMs < withinMs);
  const cause = last instanceof Error ? last : undefined;
  const shown = cause ? cause.message : JSON.stringify(last);
  throw new Error(`not within ${withinMs} ms: ${what} (last: ${shown})`, { cause });
}

function pauseAfter(waitedMs: number): number {
  return Math.min(Math.max(PAUSE_MS.min, waitedMs * PAUSE_MS.shareOfWait), PAUSE_MS.max);
}
