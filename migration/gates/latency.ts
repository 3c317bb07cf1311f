import { readLatency } from '../leg/traffic.ts';
import type { Measure, Reading } from '../plan.ts';

/**
 * The p99 may rise to this many times the baseline, and always to the floor: small numbers are
 * noise.
 */
const TIMES_BASELINE = 5;
const FLOOR_MS = 1_000;
/**
 * A gate is judged by its last seconds: what waited while a service was restarted is over before the
 * gate's patience is.
 */
const RECENT_MAX_MS = 10_000;

/** The time from enqueue to receipt, against the setting or the baseline measured before. */
export const latency: Measure = {
  name: 'latency',
  unanswered: 'fail',
  read: async (context) => {
    const { run } = context;
    // What was slow before this gate began says nothing about it.
    const recentMs = Math.min(RECENT_MAX_MS, Math.max(1, context.elapsedMs()));
    const baseline = (run.memory.baselineP99Ms ?? {}) as Record<string, number>;
    return Promise.all(
      run.consumers.map(async (consumer): Promise<Reading> => {
        const { p99Ms } = await readLatency(context, consumer, recentMs);
        const fromBaseline = Math.max(FLOOR_MS, (baseline[consumer] ?? 0) * TIMES_BASELINE);
        const limitMs = run.settings.latency_limit_ms || fromBaseline;
        return {
          what: `p99 from enqueue to receipt of ${consumer}`,
          verdict: p99Ms <= limitMs ? 'pass' : 'wait',
          value: p99Ms === 0 ? 'no traffic' : `${p99Ms.toFixed(1)} ms`,
          threshold: `${limitMs.toFixed(0)} ms`,
        };
      }),
    );
  },
};
