import { sidesOf, type Terms } from '../leg/parity.ts';
import { resendDiffering, storeRowsOfLink } from '../leg/storing.ts';
import { waitForParity } from '../leg/waitForParity.ts';
import type { Step, StepContext, Untitled, WayBackBarrier } from '../plan.ts';

/**
 * All lanes carry the new version: rows on both sides are stored as it has them, where they are. What
 * a replica cannot make of its own rows comes from the owner.
 */
export const storeNew: Untitled<Step> = {
  name: 'store-rows',
  kind: 'step',
  undoTitle: '',
  apply: async (context) => {
    const terms = { version: context.run.to.version, asStored: true };
    await storeRowsOfLink(context, terms.version);
    await resendAll(context, terms);
  },
};

/**
 * Stands before the first lane moves. Going back passes it when every lane carries the old version
 * again, so that builds which know no other find rows as they know them.
 */
export const restoreOld: Untitled<WayBackBarrier> = {
  name: 'restore-rows',
  kind: 'wayBackBarrier',
  undoTitle: 'store rows as the old version has them; send again what replicas lack in it',
  undo: async (context) => {
    const terms = { version: context.run.from.version, asStored: true };
    await storeRowsOfLink(context, terms.version);
    await resendAll(context, terms);
    for (const consumer of context.run.consumers)
      await waitForParity(context, sidesOf(context, consumer, terms), consumer);
  },
};

async function resendAll(context: StepContext, terms: Terms): Promise<void> {
  for (const consumer of context.run.consumers)
    await resendDiffering(context, sidesOf(context, consumer, terms), consumer);
}
