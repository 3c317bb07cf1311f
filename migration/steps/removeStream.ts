import { StepProblem } from '../errors.ts';
import { isAdopted, readLanes } from '../leg/lanes.ts';
import { requireInPlace } from '../leg/strays.ts';
import { closeConsumers, removeUnusedStream } from '../leg/streamSide.ts';
import type { Step, Untitled } from '../plan.ts';

/** After `complete`: removes the stream unless another leg uses it. */
export const removeStream: Untitled<Step> = {
  name: 'remove-stream',
  kind: 'step',
  undoTitle: '',
  check: (context) => requireInPlace(context, { closing: true }),
  apply: removeUnusedStream,
  // Whoever moved a lane while the stream was removed must not find the run completed.
  verify: (context) => requireInPlace(context, { closing: true }),
};

/** After `complete`: consumers stop listening and their durable consumers are removed. */
export const removeConsumers: Untitled<Step> = {
  name: 'remove-consumers',
  kind: 'step',
  undoTitle: '',
  check: async (context) => {
    await requireInPlace(context, { closing: true });
    for (const consumer of context.run.consumers) {
      const lanes = await readLanes(context, consumer);
      if (!lanes.every(isAdopted))
        throw new StepProblem(
          'stop',
          `a lane of ${consumer} still uses the stream; relink link ${context.run.link} shows which`,
        );
    }
  },
  apply: (context) => {
    const { consumers } = context.run;
    return closeConsumers(context, { listening: consumers, durables: consumers });
  },
  verify: (context) => requireInPlace(context, { closing: true }),
};
