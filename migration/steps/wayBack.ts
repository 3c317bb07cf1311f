import { StepProblem } from '../errors.ts';
import { certifyClosedEpochs, raiseFences, readDrainState } from '../leg/drain.ts';
import { releaseOverdue } from '../leg/lanes.ts';
import type { Step, StepContext } from '../plan.ts';
import { stepPause } from '../stepPause.ts';

const POLL_MS = 100;

/**
 * Stands before the first lane moves. Going back passes it after the last lane returned: what went
 * by the new route is settled, fenced and certified before its stream or endpoint is taken away.
 */
export const guardWayBack: Omit<Step, 'title' | 'number'> = {
  name: 'way-back',
  kind: 'step',
  undoTitle: 'settle, fence and certify everything sent by the new route',
  apply: async (context) => {
    const { wayBack, from } = context.run;
    const says =
      wayBack === 'keep' ? `open until complete, to ${from.transport}` : 'until all lanes';
    await context.observe('way back', says);
  },
  undo: async (context) => {
    for (const consumer of context.run.consumers) {
      await waitUntilSettled(context, consumer);
      await raiseFences(context, consumer);
      await certifyClosedEpochs(context, consumer);
    }
  },
};

/**
 * Dead letters stay at the consumer and do not hold up the way back; the certificate counts them.
 */
async function waitUntilSettled(context: StepContext, consumer: string): Promise<void> {
  const { release_hold_seconds, patience_seconds } = context.run.settings;
  const limitMs = (release_hold_seconds + patience_seconds) * 1_000;
  const startedMs = performance.now();
  for (;;) {
    await releaseOverdue(context, consumer);
    const { notAdopted, carriedOpen, dead } = await readDrainState(context, consumer);
    if (notAdopted === 0 && carriedOpen === 0) {
      if (dead.length > 0)
        await context.observe(`dead letters left at ${consumer}`, String(dead.length));
      return;
    }
    if (performance.now() - startedMs > limitMs)
      throw new StepProblem(
        'stop',
        `${consumer}: ${notAdopted} lanes not adopted, ${carriedOpen} messages open`,
      );
    await stepPause(POLL_MS, context.signal);
  }
}
