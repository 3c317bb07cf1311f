import { readTraffic } from '../leg/traffic.ts';
import type { Measure, Reading, StepContext } from '../plan.ts';
import { judgeRecent, RATE_THRESHOLDS, rateLimitOf } from './recent.ts';

/** The failed share of recent attempts in these lanes since they moved. */
export const errorRate = (lanes: readonly number[]): Measure => ({
  name: 'error rate',
  unanswered: 'fail',
  thresholds: RATE_THRESHOLDS,
  read: async (context) =>
    Promise.all(context.run.consumers.map((consumer) => readRate(context, consumer, lanes))),
});

async function readRate(context: StepContext, consumer: string, lanes: readonly number[]) {
  const { failed: failedSoFar, closed, lastError } = await readTraffic(context, consumer, lanes);
  const counted = { failed: failedSoFar, all: failedSoFar + closed };
  const { failed, all, verdict } = judgeRecent(context, `dispatches/${consumer}`, counted);
  const why = verdict !== 'pass' && lastError ? `; last: ${lastError}` : '';
  return {
    what: `recent dispatches to ${consumer} that failed`,
    verdict,
    value: `${failed} of ${all}${why}`,
    threshold: rateLimitOf(context),
  } satisfies Reading;
}
