import { StepProblem } from '../errors.ts';
import { REPEATABLE } from '../participants.ts';
import type { Step, StepContext, Untitled } from '../plan.ts';
import { stepPause } from '../stepPause.ts';

/** Values to ask for when checking that the owner's query works. */
const SAMPLE = 20;
const TRIES = 3;
/** Longer than the 5 s for which a consumer does not ask an owner that was late several times. */
const PAUSE_MS = 6_000;

/** Requires that the owner answers queries for values that the replica holds. */
export const findOwner: Untitled<Step> = {
  name: 'find-owner',
  kind: 'step',
  undoTitle: '',
  apply: async (context) => {
    for (const consumer of context.run.consumers) await askOwner(context, consumer);
  },
};

/** A late answer proves nothing; an owner that leaves questions open every time does. */
async function askOwner(context: StepContext, consumer: string): Promise<void> {
  let { asked, unanswered, slowestMs } = await compareSample(context, consumer);
  for (let tries = 1; unanswered > 0n && tries < TRIES; tries += 1) {
    await stepPause(PAUSE_MS, context.signal);
    ({ asked, unanswered, slowestMs } = await compareSample(context, consumer));
  }
  const { producer } = context.run;
  if (unanswered > 0n)
    throw new StepProblem(
      'fail',
      `${producer} did not answer ${unanswered} of ${asked} queries of ${consumer}`,
    );
  await context.observe(
    `answers of ${producer} to ${consumer}`,
    asked === 0n
      ? 'not asked, as the replica is empty'
      : `${asked} of ${asked}, slowest ${slowestMs.toFixed(1)} ms`,
  );
}

async function compareSample({ run, participants }: StepContext, consumer: string) {
  const request = { link: run.link, limit: SAMPLE };
  const answer = await participants.of(consumer).compareReadings(request, REPEATABLE);
  const { equal = 0n, behind = 0n, different = 0n, unanswered = 0n } = answer.compared ?? {};
  const asked = equal + behind + different + unanswered;
  return { asked, unanswered, slowestMs: answer.latencyMs };
}
