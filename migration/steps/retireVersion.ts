import { carriedVersion } from '../../link/versions.ts';
import { requireInPlace } from '../leg/strays.ts';
import type { Step, Untitled } from '../plan.ts';

/**
 * After `complete`: records which contracts the link no longer carries; its team removes them with
 * their mappings in the next release.
 */
export const retireVersion: Untitled<Step> = {
  name: 'retire-version',
  kind: 'step',
  undoTitle: '',
  check: (context) => requireInPlace(context, { closing: true }),
  apply: async (context) => {
    const { run, participants } = context;
    const events = (await participants.link(run.link))?.producer.events ?? [];
    for (const { name, versions } of events) {
      const carried = carriedVersion(versions, run.to.version) ?? 0;
      for (const version of versions.filter((one) => one < carried))
        await context.observe(
          `${name} v${version}`,
          `${run.link} no longer carries it: remove its mapping from the map in the next release`,
        );
    }
  },
};
