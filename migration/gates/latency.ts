import { readLatency } from '../leg/traffic.ts';
import type { Measure, Reading, StepContext } from '../plan.ts';

/**
 * The time from enqueue to receipt in these lanes, against the setting or the baseline that preflight
 * measured.
 */
export const latency = (lanes: readonly number[]): Measure => ({
  name: 'latency',
  unanswered: 'fail',
  thresholds: ['latency_limit_ms', 'latency_times_baseline', 'latency_floor_ms', 'recent_seconds'],
  read: async (context) => {
    const recentLimitMs = context.run.settings.recent_seconds * 1_000;
    // What was slow before this gate began says nothing about it.
    const recentMs = Math.round(Math.min(recentLimitMs, Math.max(1, context.elapsedMs())));
    return Promise.all(
      context.run.consumers.map(async (consumer): Promise<Reading> => {
        const { p99Ms } = await readLatency(context, consumer, { recentMs, lanes });
        const limitMs = limitMsOf(context, consumer);
        return {
          what: `p99 from enqueue to receipt of ${consumer}`,
          verdict: p99Ms <= limitMs ? 'pass' : 'wait',
          value: p99Ms === 0 ? 'no traffic' : `${p99Ms.toFixed(1)} ms`,
          threshold: `${limitMs.toFixed(0)} ms`,
        };
      }),
    );
  },
});

function limitMsOf({ run }: StepContext, consumer: string): number {
  const { latency_limit_ms, latency_times_baseline, latency_floor_ms } = run.settings;
  const baselines = (run.memory.baselineP99Ms ?? {}) as Record<string, number>;
  const fromBaselineMs = (baselines[consumer] ?? 0) * latency_times_baseline;
  return latency_limit_ms || Math.max(latency_floor_ms, fromBaselineMs);
}
