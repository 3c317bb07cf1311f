/**
 * Giving back what a test was lent. Node runs `t.after` hooks in the order they were registered, so
 * the hook of a server comes before the hooks that close its clients. Hence a release is started in
 * its hook and not awaited there: it first waits for the clients, which the next hooks close. What
 * cannot be given back fails the file.
 */

import type { Owner } from './owner.ts';
import { until } from './until.ts';

/** How long the end of a file waits for its releases: longer than a release waits for clients. */
const ALL_RELEASED_LIMIT_MS = 75_000;

const lent = new Set<object>();

/** Starts `release` when the owner is done; `what` names it should that fail. */
export function releaseAfter(t: Owner, what: string, release: () => Promise<void>): void {
  const loan = { what };
  lent.add(loan);
  t.after(() => {
    void release()
      .catch((error: Error) => {
        process.stderr.write(`${what} of ${t.name ?? 'this file'}: ${error.message}\n`);
        process.exitCode = 1;
      })
      .finally(() => lent.delete(loan));
  });
}

/** Settles when everything lent in this process was given back. */
export async function allReleased(): Promise<void> {
  const withinMs = ALL_RELEASED_LIMIT_MS;
  await until(() => lent.size === 0, { withinMs, what: 'everything given back', everyMs: 20 });
}
