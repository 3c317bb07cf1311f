import type { Measure, Reading, StepContext } from '../plan.ts';
import { markOf, readAsked } from '../readings.ts';

/** The owner answers what consumers ask it; shows the time that asking adds. */
export const ownerAnswers: Measure = {
  name: 'owner answers',
  unanswered: 'fail',
  read: async (context) =>
    Promise.all(context.run.consumers.map((consumer) => readAnswers(context, consumer))),
};

async function readAnswers(context: StepContext, consumer: string): Promise<Reading> {
  const { before } = markOf(context, consumer);
  const { error_rate_limit: limit } = context.run.settings;
  const now = await readAsked(context, consumer);
  // A process that was restarted counts from zero again.
  const asked = Math.max(0, now.asked - before.asked);
  const unanswered = Math.max(0, now.unanswered - before.unanswered);
  const share = asked === 0 ? 0 : unanswered / asked;
  return {
    what: `questions of ${consumer} without an answer`,
    verdict: share > limit ? 'fail' : 'pass',
    value:
      `${unanswered} of ${asked}, an answer takes p50 ${now.p50Ms.toFixed(1)} ms, ` +
      `p99 ${now.p99Ms.toFixed(1)} ms`,
    threshold: `${limit * 100} %`,
  };
}
