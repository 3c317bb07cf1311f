/** Runs the properties on every link and transport; each ends in the oracle. */
import { after, describe, test } from 'node:test';
import type { LinkDefinition } from '../../link/link.ts';
import { properties } from './properties.ts';
import { SharedSubject } from './subject.ts';

/** Links and transports at once: a test mostly waits for disks and retries. */
const CONCURRENCY = 3;

/** Every link on every transport it can be moved to that delivers, each in a company of its own. */
export function conform(links: readonly LinkDefinition[]): void {
  const all = links.flatMap((link) =>
    link.transports.filter((one) => one !== 'pull').map((transport) => ({ link, transport })),
  );
  describe('conformance', { concurrency: CONCURRENCY }, () => {
    for (const { link, transport } of all)
      describe(`${link.id} on ${transport}`, { concurrency: 1 }, () => {
        const shared = new SharedSubject(link, transport);
        after(() => shared.release());
        for (const [name, keepsIt] of Object.entries(properties))
          test(name, (t) =>
            shared.use(async (subject) => {
              await keepsIt(t, subject);
              await subject.company.oracle();
            }),
          );
      });
  });
}
