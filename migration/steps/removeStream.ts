import { StepProblem } from '../errors.ts';
import { isAdopted, isOn, readLanes } from '../leg/lanes.ts';
import { closeConsumers, removeUnusedStream } from '../leg/streamSide.ts';
import type { Step, Untitled } from '../plan.ts';

/** After `complete`: the stream when no other leg uses it. */
export const removeStream: Untitled<Step> = {
  name: 'remove-stream',
  kind: 'step',
  undoTitle: '',
  apply: removeUnusedStream,
};

/** After `complete`: consumers stop listening, and their durable consumers go. */
export const removeConsumers: Untitled<Step> = {
  name: 'remove-consumers',
  kind: 'step',
  undoTitle: '',
  check: async (context) => {
    for (const consumer of context.run.consumers) {
      const lanes = await readLanes(context, consumer);
      if (!lanes.every((lane) => isOn(lane, context.run.to) && isAdopted(lane)))
        throw new StepProblem('stop', `a lane of ${consumer} still goes by the stream`);
    }
  },
  apply: closeConsumers,
};
