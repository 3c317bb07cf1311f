import { StepProblem } from '../errors.ts';
import type { Step } from '../plan.ts';
import { isAdopted, isOn, readLanes } from '../routes.ts';
import { closeStreamSide } from '../streamSide.ts';

/** After `complete`: consumers, and the stream when no other leg uses it. */
export const removeStream: Omit<Step, 'title' | 'number'> = {
  name: 'remove-stream',
  kind: 'step',
  undoTitle: '',
  check: async (context) => {
    for (const consumer of context.run.consumers) {
      const lanes = await readLanes(context, consumer);
      if (!lanes.every((lane) => isOn(lane, context.run.to) && isAdopted(lane)))
        throw new StepProblem('stop', `a lane of ${consumer} still goes by the stream`);
    }
  },
  apply: closeStreamSide,
};
