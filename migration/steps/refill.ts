import { sidesOf } from '../leg/parity.ts';
import { waitForParity } from '../leg/waitForParity.ts';
import type { Untitled, WayBackBarrier } from '../plan.ts';
import { backfillLeg } from './backfill.ts';

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
      await waitForParity(context, sidesOf(context, consumer), consumer);
    }
  },
};
