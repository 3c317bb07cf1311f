/**
 * The failed share of recent attempts. The restart of a process fails what is in flight on it, and is
 * soon over; a broken route keeps failing. So a share above the limit is waited for at first, and
 * fails the gate only when it persists.
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

/** What each gate has seen since this engine began to watch it. */
const seenBy = new WeakMap<StepContext, Map<string, Seen>>();

export interface Share extends Counted {
  readonly verdict: Reading['verdict'];
}

/**
 * Judges counters that only grow, except when the counting process restarts. `name` distinguishes the
 * counters of one gate.
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
  // The counters began at zero again: earlier values cannot be subtracted.
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
