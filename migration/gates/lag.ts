import { readTraffic } from '../leg/traffic.ts';
import type { Measure, Reading } from '../plan.ts';

/** No message of these lanes waits for its receipt longer than the limit. */
export function lag(lanes: readonly number[]): Measure {
  return {
    name: 'lag',
    unanswered: 'fail',
    thresholds: ['lag_limit_ms'],
    read: async (context) =>
      Promise.all(
        context.run.consumers.map(async (consumer): Promise<Reading> => {
          const { oldestMs, open } = await readTraffic(context, consumer, lanes);
          const limitMs = context.run.settings.lag_limit_ms;
          return {
            what: `oldest open message of ${consumer}`,
            verdict: oldestMs <= limitMs ? 'pass' : 'wait',
            value: `${oldestMs} ms (${open} open)`,
            threshold: `${limitMs} ms`,
          };
        }),
      ),
  };
}
