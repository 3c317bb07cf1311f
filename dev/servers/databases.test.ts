import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, test } from 'node:test';
import { applyExpand, type DatabaseName } from '../../db/schemaChanges.ts';
import { urlOfDatabase } from '../../runtime/postgresUrl.ts';
import { TEST_DATABASE_PREFIX } from '../../test/harness/leaks.ts';
import { testPostgresUrl } from '../../test/harness/postgres.ts';
import { createMissingDatabases, dropDatabase, withAdmin } from './databases.ts';

const PARTS: readonly DatabaseName[][] = [
  ['operator'],
  ...(['assessments', 'hiring', 'management', 'bonuses', 'finance'] as const).map(
    (service): DatabaseName[] => ['link', service],
  ),
];
const adminUrl = await testPostgresUrl();
const role = `owner_${randomBytes(4).toString('hex')}`;
const names = PARTS.map((_, i) => `${TEST_DATABASE_PREFIX}${role}_${i}`);
await withAdmin(adminUrl, async (sql) => {
  await sql`create role ${sql(role)} login nosuperuser nocreatedb password 'own'`;
  for (const name of names) await sql`create database ${sql(name)} owner ${sql(role)}`;
});
after(async () => {
  for (const name of names) await dropDatabase(adminUrl, name);
  await withAdmin(adminUrl, (sql) => sql`drop role ${sql(role)}`);
});

/** As the role that owns the six databases and may not create any. */
const owned = Object.assign(new URL(adminUrl), { username: role, password: 'own' }).href;

test('databases made beforehand serve a user who may not create any', async () => {
  await createMissingDatabases(owned, names);
  for (const [i, parts] of PARTS.entries())
    await applyExpand(urlOfDatabase(owned, names[i]!), parts);
});

test('a missing database that the user may not create is named, with what to do', async () => {
  await assert.rejects(createMissingDatabases(owned, [...names, 'relink_none']), {
    code: 'start_failed',
    message: /RELINK_POSTGRES_URL.*are missing: relink_none; create them.*owner.*CREATEDB/,
  });
});
