import { describeUndrained, readDrainState } from '../leg/drain.ts';
import type { Measure, Reading } from '../plan.ts';

/** Nothing is left of the route that was given up: see drain.ts. */
export const drained: Measure = {
  name: 'drained',
  unanswered: 'inconclusive',
  read: async (context) =>
    Promise.all(
      context.run.consumers.map(async (consumer): Promise<Reading> => {
        const left = describeUndrained(await readDrainState(context, consumer));
        return {
          what: `left of the old route to ${consumer}`,
          verdict: left === '' ? 'pass' : 'wait',
          value: left || 'nothing',
          threshold: 'nothing',
        };
      }),
    ),
};
