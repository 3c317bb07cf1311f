/** A database of its own for every test (file), quick through templates. */

import { randomBytes } from 'node:crypto';
import { after } from 'node:test';
import { readDevEnvironment } from '../../dev/environment.ts';
import { createDatabase, dropDatabase, withAdmin } from '../../dev/servers/databases.ts';
import { cleanUpAll } from '../../dev/servers/errors.ts';
import { makeRunDir } from '../../dev/servers/folders.ts';
import {
  type PostgresServer,
  removePostgresData,
  startPostgres,
} from '../../dev/servers/postgres.ts';
import type { Database } from '../../runtime/postgres.ts';
import { urlOfDatabase } from '../../runtime/postgresUrl.ts';
import { isKept, keepDatabase } from './keeping.ts';
import { refuseOpenClients, TEMPLATE_PREFIX, TEST_DATABASE_PREFIX } from './leaks.ts';
import type { Owner } from './owner.ts';
import { allReleased, releaseAfter } from './releases.ts';

/** What a database is copied from: filled once per run by the first who needs it. */
export type Template = {
  /** Short and unique, for example `hiring`: letters, digits and `_`. */
  name: string;
  /** Fills the empty database, for example with its schema changes. Must close its connections. */
  fill: (url: string) => Promise<unknown>;
};

export type TestDatabase = { name: string; url: string };

let own: Promise<{ server: PostgresServer; dir: string }> | undefined;

// Only when a file runs alone: the runner's server is the runner's to stop.
// Not awaited here, since hooks of the file that give databases back come after this one.
after(() => {
  if (own) void stopOwnServer(own);
});

/** Administrator's URL of the run's PostgreSQL; one is started when this file runs alone. */
export async function testPostgresUrl(): Promise<string> {
  const { testPostgresUrl: given } = readDevEnvironment();
  if (given) return given;
  own ??= startOwnServer();
  return (await own).server.url;
}

async function startOwnServer() {
  const dir = await makeRunDir('test-postgres');
  return { dir, server: await startPostgres({ dir }) };
}

async function stopOwnServer(starting: NonNullable<typeof own>): Promise<void> {
  const { server, dir } = await starting;
  await cleanUpAll('PostgreSQL of the file', [
    () => allReleased(),
    () => server.stop(),
    () => removePostgresData(dir),
  ]);
}

/**
 * A fresh database, empty or as the template filled it; dropped after the test, unused by then, unless
 * the test failed and `npm test -- --keep` was asked for.
 */
export async function testDatabase(t: Owner, template?: Template): Promise<TestDatabase> {
  const adminUrl = await testPostgresUrl();
  const name = TEST_DATABASE_PREFIX + randomBytes(6).toString('hex');
  const from = template && (await ensureTemplate(adminUrl, template));
  const url = await createDatabase(adminUrl, name, from);
  releaseAfter(t, 'database', () =>
    cleanUpAll(`database ${name}`, [
      () => refuseOpenClients(adminUrl, name),
      () => (isKept(t) ? keepDatabase(t, name, url) : dropDatabase(adminUrl, name)),
    ]),
  );
  return { name, url };
}

/**
 * A PostgreSQL of its own, for tests that stop, kill or freeze the server.
 * Costs a second and a half: `testDatabase` is for all others.
 */
export async function privatePostgres(
  t: Owner,
  settings?: Record<string, string>,
): Promise<PostgresServer> {
  const dir = await makeRunDir('private-postgres');
  const server = await startPostgres({ dir, settings });
  releaseAfter(t, 'PostgreSQL', async () => {
    await server.stop();
    await removePostgresData(dir);
  });
  return server;
}

/**
 * Makes the template once, whichever process comes first: an advisory lock of the administrator's
 * database lets one work and the others wait. It counts as made once it takes no connections.
 */
async function ensureTemplate(adminUrl: string, { name, fill }: Template): Promise<string> {
  const database = TEMPLATE_PREFIX + name;
  await withAdmin(adminUrl, async (sql) => {
    await sql`select pg_advisory_lock(hashtext(${database}))`;
    if (await isFilled(sql, database)) return;
    await dropDatabase(adminUrl, database);
    await createDatabase(adminUrl, database);
    await fill(urlOfDatabase(adminUrl, database));
    await sql`alter database ${sql(database)} with allow_connections false`;
  });
  return database;
}

async function isFilled(sql: Database, database: string): Promise<boolean> {
  const rows = await sql`
    select from pg_database where datname = ${database} and not datallowconn`;
  return rows.length > 0;
}
