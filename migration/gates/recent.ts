/**
 * The failed share of what was tried lately. A restart of a process fails for a moment what is in
 * flight on it, and passes; a route that is broken goes on failing. So a share above the limit is
 * waited for at first, and fails the gate when it stays so.
 */
import type { Reading, StepContext } from '../plan.ts';

/** What happened within this time counts. */
const WINDOW_MS = 10_000;
/** Below so many tries a share says nothing: one failure of three is no third. */
const MIN_TRIES = 20;
/** Above the limit for so long it is no restart any more. */
const PERSISTENT_MS = 15_000;

export interface Counted {
  readonly failed: number;
  readonly all: number;
}

interface Look extends Counted {
  readonly atMs: number;
}

interface Seen {
  looks: Look[];
  /** Since when the share is above the limit. */
  aboveSinceMs: number | undefined;
}

/** What each gate saw since this engine watches it. */
const seenBy = new WeakMap<StepContext, Map<string, Seen>>();

export interface Share extends Counted {
  readonly verdict: Reading['verdict'];
}

/**
 * Judges counters that only grow, but for restarts of the process that counts. `name` tells apart
 * what one gate watches.
 */
export function judgeRecent(
  context: StepContext,
  name: string,
  {
    counted,
    limit,
    nowMs = performance.now(),
  }: { counted: Counted; limit: number; nowMs?: number },
): Share {
  const seen = seenOf(context, name);
  const last = seen.looks.at(-1);
  // Counted anew after a restart: what was seen before cannot be subtracted.
  if (last && (counted.all < last.all || counted.failed < last.failed)) seen.looks = [];
  seen.looks.push({ ...counted, atMs: nowMs });
  while (seen.looks.length > 2 && seen.looks[1]!.atMs <= nowMs - WINDOW_MS) seen.looks.shift();
  const first = seen.looks[0]!;
  const recent = { failed: counted.failed - first.failed, all: counted.all - first.all };
  const isAbove = recent.all >= MIN_TRIES && recent.failed > recent.all * limit;
  if (!isAbove) seen.aboveSinceMs = undefined;
  else seen.aboveSinceMs ??= nowMs;
  const isPersistent = isAbove && nowMs - seen.aboveSinceMs! >= PERSISTENT_MS;
  return { ...recent, verdict: isPersistent ? 'fail' : isAbove ? 'wait' : 'pass' };
}

function seenOf(context: StepContext, name: string): Seen {
  const all = seenBy.get(context) ?? new Map<string, Seen>();
  seenBy.set(context, all);
  const seen = all.get(name) ?? { looks: [], aboveSinceMs: undefined };
  all.set(name, seen);
  return seen;
}
