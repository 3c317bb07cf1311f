import { StepProblem } from '../errors.ts';
import { certifyClosedEpochs, raiseFences, readDrainState } from '../leg/drain.ts';
import { releaseOverdue } from '../leg/lanes.ts';
import type { StepContext, Untitled, WayBackBarrier } from '../plan.ts';
import { stepPause } from '../stepPause.ts';

const POLL_MS = 100;

/**
 * Stands before the first lane moves. Going back passes it after the last lane has returned: what was
 * sent by the new route is settled, fenced and certified before its stream or endpoint is removed.
 */
export const wayBack: Untitled<WayBackBarrier> = {
  name: 'way-back',
  kind: 'wayBackBarrier',
  undoTitle: 'settle, fence and certify everything sent by the new route',
  undo: async (context) => {
    for (const consumer of context.run.consumers) {
      await waitUntilSettled(context, consumer);
      await raiseFences(context, consumer);
      await certifyClosedEpochs(context, consumer);
    }
  },
};

/**
 * Dead letters stay at the consumer and do not block the way back; the certificate counts them.
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
        `${consumer}: ${notAdopted} lanes have not adopted their route, ${carriedOpen} messages are open; ` +
          `see relink link ${context.run.link}`,
      );
    await stepPause(POLL_MS, context.signal);
  }
}
