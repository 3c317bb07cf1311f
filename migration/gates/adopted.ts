import { isAdopted, readLanes } from '../leg/lanes.ts';
import type { Measure, Reading } from '../plan.ts';

/** The owner of every lane dispatches by the route that the lane was given. */
export const adopted: Measure = {
  name: 'adopted',
  unanswered: 'fail',
  read: async (context) =>
    Promise.all(
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
    ),
};
