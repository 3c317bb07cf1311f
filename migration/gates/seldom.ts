import type { Measure, Reading, StepContext } from '../plan.ts';

/**
 * For measures that are expensive to read: a gate reads several times a second, and between two real
 * readings the last one holds. `restMsOf` returns for how long, given how long reading took.
 */
export function seldom(
  read: Measure['read'],
  restMsOf: (tookMs: number) => number,
): Measure['read'] {
  const latest = new WeakMap<StepContext, { untilMs: number; readings: readonly Reading[] }>();
  return async (context) => {
    const known = latest.get(context);
    if (known && performance.now() < known.untilMs) return known.readings;
    const startedMs = performance.now();
    const readings = await read(context);
    const nowMs = performance.now();
    latest.set(context, { untilMs: nowMs + restMsOf(nowMs - startedMs), readings });
    return readings;
  };
}
