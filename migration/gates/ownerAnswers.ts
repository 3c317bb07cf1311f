import { readAsked } from '../leg/valueSource.ts';
import type { Measure, Reading, StepContext } from '../plan.ts';
import { judgeRecent } from './recent.ts';

/** The owner answers what consumers ask it; shows the time that asking adds. */
export const ownerAnswers: Measure = {
  name: 'owner answers',
  unanswered: 'fail',
  read: async (context) =>
    Promise.all(context.run.consumers.map((consumer) => readAnswers(context, consumer))),
};

async function readAnswers(context: StepContext, consumer: string): Promise<Reading> {
  const { error_rate_limit: limit } = context.run.settings;
  const asked = await readAsked(context, consumer);
  const counted = { failed: asked.unanswered, all: asked.asked };
  const { failed, all, verdict } = judgeRecent(context, `questions/${consumer}`, {
    counted,
    limit,
  });
  return {
    what: `questions of ${consumer} without an answer lately`,
    verdict,
    value:
      `${failed} of ${all}, an answer takes p50 ${asked.p50Ms.toFixed(1)} ms, ` +
      `p99 ${asked.p99Ms.toFixed(1)} ms`,
    threshold: `${(limit * 100).toFixed(1)} %`,
  };
}
