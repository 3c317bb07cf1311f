import { certifyClosedEpochs, raiseFences } from '../leg/drain.ts';
import type { Step, Untitled } from '../plan.ts';

/** Fences the old epochs and signs their certificates. */
export const certify: Untitled<Step> = {
  name: 'certify',
  kind: 'step',
  undoTitle: '',
  apply: async (context) => {
    for (const consumer of context.run.consumers) {
      await raiseFences(context, consumer);
      await certifyClosedEpochs(context, consumer);
    }
  },
};
