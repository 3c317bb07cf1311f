import { eraseEverywhere } from '../leg/erasing.ts';
import { isStillCarried } from '../leg/phrases.ts';
import { requireInPlace } from '../leg/strays.ts';
import type { Step, Untitled } from '../plan.ts';

/**
 * After `complete` of a version that took fields from the consumers: what older messages and free text
 * still hold of them goes.
 */
export const eraseFields: Untitled<Step> = {
  name: 'erase-fields',
  kind: 'step',
  undoTitle: '',
  check: (context) => requireInPlace(context, { closing: true }),
  apply: async (context) => {
    if (!(await isStillCarried(context))) await eraseEverywhere(context);
  },
};
