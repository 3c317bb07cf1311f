import { certifyClosedEpochs, raiseFences } from '../leg/drain.ts';
import { requireInPlace } from '../leg/strays.ts';
import type { Step, Untitled } from '../plan.ts';

/** Fences the old epochs and signs their certificates. */
export const certify: Untitled<Step> = {
  name: 'certify',
  kind: 'step',
  undoTitle: '',
  check: (context) => requireInPlace(context, { closing: true }),
  apply: async (context) => {
    for (const consumer of context.run.consumers) {
      await raiseFences(context, consumer);
      await certifyClosedEpochs(context, consumer);
    }
  },
};
