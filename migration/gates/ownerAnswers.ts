import { readAsked } from '../leg/valueSource.ts';
import type { Measure, Reading, StepContext } from '../plan.ts';
import { judgeRecent, RATE_THRESHOLDS, rateLimitOf } from './recent.ts';

/** The owner answers the consumers' queries; shows how long that takes. */
export const ownerAnswers: Measure = {
  name: 'owner answers',
  unanswered: 'fail',
  thresholds: RATE_THRESHOLDS,
  read: async (context) =>
    Promise.all(context.run.consumers.map((consumer) => readAnswers(context, consumer))),
};

async function readAnswers(context: StepContext, consumer: string): Promise<Reading> {
  const asked = await readAsked(context, consumer);
  const counted = { failed: asked.unanswered, all: asked.asked };
  const { failed, all, verdict } = judgeRecent(context, `questions/${consumer}`, counted);
  return {
    what: `recent queries of ${consumer} without an answer`,
    verdict,
    value:
      `${failed} of ${all}, answered in p50 ${asked.p50Ms.toFixed(1)} ms, ` +
      `p99 ${asked.p99Ms.toFixed(1)} ms`,
    threshold: rateLimitOf(context),
  };
}
