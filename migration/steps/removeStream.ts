import { readStream } from '../../link/transport/jetStream/provision.ts';
import { StepProblem } from '../errors.ts';
import { isAdopted, readLanes } from '../leg/lanes.ts';
import { requireInPlace } from '../leg/strays.ts';
import { closeConsumers, removeUnusedStream } from '../leg/streamSide.ts';
import type { Step, StepContext, Untitled } from '../plan.ts';

/** After `complete`: removes the stream unless another leg uses it, and records who still knows it. */
export const removeStream: Untitled<Step> = {
  name: 'remove-stream',
  kind: 'step',
  undoTitle: '',
  check: (context) => requireInPlace(context, { closing: true }),
  apply: async (context) => {
    await removeUnusedStream(context);
    await observeTraces(context);
  },
  // Whoever moved a lane while the stream was removed must not find the run completed.
  verify: (context) => requireInPlace(context, { closing: true }),
};

/** What people set up outside relink for a stream that is gone, by the names they gave it there. */
async function observeTraces({ run, streams, observe }: StepContext): Promise<void> {
  const { link, consumers } = run;
  if (await readStream(await streams.manager(), link)) return;
  const names = consumers.join(', ');
  await observe(
    'dashboards',
    `stream ${link}, durable consumers ${names}: there are none any more`,
  );
  await observe('permissions at NATS', `${link}.>: nobody publishes or reads it any more`);
}

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
