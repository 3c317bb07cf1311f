import { describeUndrained, readDrainState } from '../leg/drain.ts';
import type { Measure, Reading } from '../plan.ts';

/** Nothing remains from the old route: see leg/drain.ts. */
export const drained: Measure = {
  name: 'drained',
  unanswered: 'inconclusive',
  read: async (context) =>
    Promise.all(
      context.run.consumers.map(async (consumer): Promise<Reading> => {
        const left = describeUndrained(await readDrainState(context, consumer));
        return {
          what: `remaining from the old route to ${consumer}`,
          verdict: left === '' ? 'pass' : 'wait',
          value: left || 'nothing',
          threshold: 'nothing',
        };
      }),
    ),
};
