import { StepProblem } from '../errors.ts';
import { REPEATABLE } from '../participants.ts';
import type { Step } from '../plan.ts';

/** Values asked for to see that the owner's query works. */
const SAMPLE = 20;

/** The owner's query endpoint is there, and gives what the replica says. */
export const findOwner: Omit<Step, 'title' | 'number'> = {
  name: 'find-owner',
  kind: 'step',
  undoTitle: '',
  apply: async (context) => {
    const { run, participants } = context;
    for (const consumer of run.consumers) {
      const request = { link: run.link, limit: SAMPLE };
      const answer = await participants.of(consumer).compareReadings(request, REPEATABLE);
      const { equal = 0n, behind = 0n, different = 0n, unanswered = 0n } = answer.compared ?? {};
      const asked = equal + behind + different + unanswered;
      if (unanswered > 0n)
        throw new StepProblem(
          'fail',
          `${run.producer} did not answer ${unanswered} of ${asked} questions of ${consumer}`,
        );
      await context.observe(
        `answers of ${run.producer} to ${consumer}`,
        asked === 0n
          ? 'not asked: the replica is empty'
          : `${asked} of ${asked}, slowest ${answer.latencyMs.toFixed(1)} ms`,
      );
    }
  },
};
