import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { cleanEnvironment } from '../../dev/environment.ts';
import { describeKept, readKept } from '../../dev/keptByTests.ts';
import { dropDatabase } from '../../dev/servers/databases.ts';
import { makeRunDir } from '../../dev/servers/folders.ts';
import { leftDatabases } from './leaks.ts';
import { testPostgresUrl } from './postgres.ts';

/** Starting Node and two databases, on a machine that does other things as well. */
const FILE_LIMIT_MS = 120_000;

/** A test passes, one fails; each has a database, and a folder is shared by the file. */
const FAILING_FILE = `
import { after, test } from 'node:test';
import { removeUnlessKept } from '${import.meta.dirname}/keeping.ts';
import { testDatabase } from '${import.meta.dirname}/postgres.ts';
after(() => removeUnlessKept(process.argv[2]));
test('that passes', async (t) => { await testDatabase(t); });
test('that fails', async (t) => { await testDatabase(t); throw new Error('on purpose'); });
`;

test('with --keep only the database and the stack of what failed stay, and are named', async (t) => {
  const dir = await makeRunDir('keeping');
  const stackDir = await makeRunDir('keeping-stack');
  const adminUrl = await testPostgresUrl();
  const ran = async (env: Record<string, string>) => {
    const file = join(dir, 'failing.mjs');
    await writeFile(file, FAILING_FILE);
    const { status, stdout } = spawnSync(process.execPath, [file, stackDir], {
      env: cleanEnvironment({ RELINK_TEST_POSTGRES_URL: adminUrl, ...env, NODE_TEST_CONTEXT: '' }),
      encoding: 'utf8',
      timeout: FILE_LIMIT_MS,
    });
    assert.equal(status, 1, stdout);
  };
  const keptFile = join(dir, 'kept');
  await ran({ RELINK_TEST_KEPT: keptFile });
  const kept = await readKept(keptFile);
  const [database] = kept.flatMap((one) => one.database ?? []);
  t.after(async () => {
    if (database) await dropDatabase(adminUrl, database);
    await rm(dir, { recursive: true, force: true });
    await rm(stackDir, { recursive: true, force: true });
  });
  assert.deepEqual(
    new Set(kept.map(({ test: name, dataDir }) => name ?? dataDir)),
    new Set(['that fails', join(stackDir, 'data')]),
  );
  assert.ok((await leftDatabases(adminUrl)).includes(`database ${database}`));
  assert.match(
    describeKept(kept).join('\n'),
    /postgres:.*\/test_.* that fails\n.*logs.*\n.*npm start/,
  );
  assert.ok(existsSync(stackDir));

  await ran({});
  assert.ok(!existsSync(stackDir));
});
