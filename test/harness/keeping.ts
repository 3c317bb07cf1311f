/** `npm test -- --keep`: what a failed test worked on stays, and the runner says where it is. */

import { appendFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach } from 'node:test';
import { readDevEnvironment } from '../../dev/environment.ts';
import type { KeptDatabase, KeptStack } from '../../dev/keptByTests.ts';
import { removePostgresData } from '../../dev/servers/postgres.ts';
import type { Owner } from './owner.ts';

const { testKept } = readDevEnvironment();
let hasFailed = false;

if (testKept) {
  afterEach((t) => {
    if ('passed' in t && !t.passed) hasFailed = true;
  });
}

/** Whether what this owner was lent stays; what a whole file shares does once one of its tests failed. */
export function isKept(owner: Owner = {} as Owner): boolean {
  return testKept !== undefined && !(owner.passed ?? !hasFailed);
}

export async function keepDatabase({ name }: Owner, database: string, url: string): Promise<void> {
  await note({ test: name ?? 'shared by a file', database, url });
}

/** Removes the folder whose `data` a stack of the test's own worked on, or keeps it for `npm start -- --data`. */
export async function removeUnlessKept(dir: string): Promise<void> {
  const dataDir = join(dir, 'data');
  if (isKept()) return note({ dataDir });
  await removePostgresData(join(dataDir, 'postgres'));
  await rm(dir, { recursive: true, force: true });
}

async function note(kept: KeptDatabase | KeptStack): Promise<void> {
  await appendFile(testKept as string, `${JSON.stringify(kept)}\n`);
}
