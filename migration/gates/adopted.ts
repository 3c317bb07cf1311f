import { isAdopted, readLanes } from '../leg/lanes.ts';
import { requireInPlace } from '../leg/strays.ts';
import type { Measure, Reading } from '../plan.ts';

/**
 * Every lane is where the run put it, and its owner dispatches by it. A lane that something else moved
 * proves neither route good or bad: the run stops at once and says so.
 */
export const adopted: Measure = {
  name: 'adopted',
  unanswered: 'fail',
  read: async (context) => {
    await requireInPlace(context);
    return Promise.all(
      context.run.consumers.map(async (consumer): Promise<Reading> => {
        const lanes = await readLanes(context, consumer);
        const late = lanes.filter((lane) => !isAdopted(lane));
        return {
          what: `lanes of ${consumer} that have not adopted their route`,
          verdict: late.length === 0 ? 'pass' : 'wait',
          value: late.length === 0 ? '0' : `${late.length}: ${late.map(({ lane }) => lane)}`,
          threshold: '0',
        };
      }),
    );
  },
};
