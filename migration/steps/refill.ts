import { StepProblem } from '../errors.ts';
import { compareRows, sidesOf } from '../leg/parity.ts';
import type { StepContext, Untitled, WayBackBarrier } from '../plan.ts';
import { stepPause } from '../stepPause.ts';
import { backfillLeg } from './backfill.ts';

/** Time limit of one comparison, which is repeated until the replica holds every row. */
const READING_MS = 3_000;
const POLL_MS = 200;

/**
 * Stands before the first lane stops delivering. Going back passes it when every lane delivers
 * again: what the replica missed in between is sent before any consumer reads it.
 */
export const refill: Untitled<WayBackBarrier> = {
  name: 'refill',
  kind: 'wayBackBarrier',
  undoTitle: 'backfill what the replica missed before it is read again',
  undo: async (context) => {
    for (const consumer of context.run.consumers) {
      // What an earlier attempt sent may have become a dead letter, so every attempt checks all rows.
      await context.save({ ...context.checkpoint, [consumer]: { next: 0, sent: 0 } });
      await backfillLeg(context, consumer);
      await waitForParity(context, consumer);
    }
  },
};

async function waitForParity(context: StepContext, consumer: string): Promise<void> {
  const { run, signal } = context;
  const sides = sidesOf(context, consumer);
  const untilMs = performance.now() + run.settings.patience_seconds * 1_000;
  for (;;) {
    const { differing, rows } = await compareRows(sides, READING_MS, signal);
    if (differing.length === 0) return context.observe(`rows held by ${consumer}`, String(rows));
    if (performance.now() > untilMs)
      throw new StepProblem(
        'stop',
        `${consumer}: ${differing.length} of ${rows} rows differ; see relink verify ${run.link}`,
      );
    await stepPause(POLL_MS, signal);
  }
}
