import { eraseEverywhere } from '../leg/erasing.ts';
import { isStillCarried } from '../leg/phrases.ts';
import { requireInPlace } from '../leg/strays.ts';
import { unitsOfStep } from '../leg/units.ts';
import type { Step, Untitled } from '../plan.ts';

/**
 * After `complete` of a version that took fields from the consumers: what older messages and free text
 * still hold of them goes. What comes after a service was done, `prove-erased` erases.
 */
export const eraseFields: Untitled<Step> = {
  name: 'erase-fields',
  kind: 'step',
  undoTitle: '',
  check: (context) => requireInPlace(context, { closing: true }),
  apply: async (context) => {
    if (await isStillCarried(context)) return;
    await eraseEverywhere(context, unitsOfStep(context, { isKept: true }));
  },
};
