import { readTraffic } from '../leg/traffic.ts';
import type { Measure, Reading, StepContext } from '../plan.ts';
import { judgeRecent, RATE_THRESHOLDS, rateLimitOf } from './recent.ts';

/** The failed share of recent dispatches. */
export const errorRate: Measure = {
  name: 'error rate',
  unanswered: 'fail',
  thresholds: RATE_THRESHOLDS,
  read: async (context) =>
    Promise.all(context.run.consumers.map((consumer) => readRate(context, consumer))),
};

async function readRate(context: StepContext, consumer: string): Promise<Reading> {
  const { failed: failedSoFar, closed, lastError } = await readTraffic(context, consumer);
  const counted = { failed: failedSoFar, all: failedSoFar + closed };
  const { failed, all, verdict } = judgeRecent(context, `dispatches/${consumer}`, counted);
  const why = verdict !== 'pass' && lastError ? `; last: ${lastError}` : '';
  return {
    what: `recent dispatches to ${consumer} that failed`,
    verdict,
    value: `${failed} of ${all}${why}`,
    threshold: rateLimitOf(context),
  };
}
