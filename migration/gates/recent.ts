/**
 * The failed share of what was tried lately. A restart of a process fails for a moment what is in
 * flight on it, and passes; a route that is broken goes on failing. So a share above the limit is
 * waited for at first, and fails the gate when it stays so.
 */
import type { Reading, StepContext } from '../plan.ts';

/** The settings that a failed share is judged by. */
export const RATE_THRESHOLDS = [
  'error_rate_limit',
  'error_rate_min_attempts',
  'error_rate_persist_seconds',
  'recent_seconds',
] as const;

/** The limit as a person reads it. */
export function rateLimitOf({ run }: StepContext): string {
  return `${(run.settings.error_rate_limit * 100).toFixed(1)} %`;
}

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
  counted: Counted,
  nowMs = performance.now(),
): Share {
  const { settings } = context.run;
  const seen = seenOf(context, name);
  const recent = countRecent(seen, counted, nowMs, settings.recent_seconds * 1_000);
  const isAbove =
    recent.all >= settings.error_rate_min_attempts &&
    recent.failed > recent.all * settings.error_rate_limit;
  if (!isAbove) seen.aboveSinceMs = undefined;
  else seen.aboveSinceMs ??= nowMs;
  const persistentMs = settings.error_rate_persist_seconds * 1_000;
  const isPersistent = isAbove && nowMs - seen.aboveSinceMs! >= persistentMs;
  return { ...recent, verdict: isPersistent ? 'fail' : isAbove ? 'wait' : 'pass' };
}

/** What was counted since the oldest look of the window. */
function countRecent(seen: Seen, counted: Counted, nowMs: number, windowMs: number): Counted {
  const last = seen.looks.at(-1);
  // Counted anew after a restart: what was seen before cannot be subtracted.
  if (last && (counted.all < last.all || counted.failed < last.failed)) seen.looks = [];
  seen.looks.push({ ...counted, atMs: nowMs });
  while (seen.looks.length > 2 && seen.looks[1]!.atMs <= nowMs - windowMs) seen.looks.shift();
  const first = seen.looks[0]!;
  return { failed: counted.failed - first.failed, all: counted.all - first.all };
}

function seenOf(context: StepContext, name: string): Seen {
  const all = seenBy.get(context) ?? new Map<string, Seen>();
  seenBy.set(context, all);
  const seen = all.get(name) ?? { looks: [], aboveSinceMs: undefined };
  all.set(name, seen);
  return seen;
}
