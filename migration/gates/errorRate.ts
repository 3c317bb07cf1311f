import { readTraffic } from '../leg/traffic.ts';
import type { Measure, Reading, StepContext } from '../plan.ts';
import { judgeRecent } from './recent.ts';

/** The share of failed dispatches lately. */
export const errorRate: Measure = {
  name: 'error rate',
  unanswered: 'fail',
  read: async (context) =>
    Promise.all(context.run.consumers.map((consumer) => readRate(context, consumer))),
};

async function readRate(context: StepContext, consumer: string): Promise<Reading> {
  const { failed: failedSoFar, closed, lastError } = await readTraffic(context, consumer);
  const limit = context.run.settings.error_rate_limit;
  const counted = { failed: failedSoFar, all: failedSoFar + closed };
  const { failed, all, verdict } = judgeRecent(context, `dispatches/${consumer}`, {
    counted,
    limit,
  });
  const why = verdict !== 'pass' && lastError ? `; last: ${lastError}` : '';
  return {
    what: `failed dispatches to ${consumer} lately`,
    verdict,
    value: `${failed} of ${all}${why}`,
    threshold: `${(limit * 100).toFixed(1)} %`,
  };
}
