/**
 * PostgreSQL data with the databases of all services and of the operator at their newest schema:
 * made once a run, by whoever needs it first, and copied for every stack that a test starts.
 */

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { applyExpand, type DatabaseName } from '../../db/schemaChanges.ts';
import { readDevEnvironment } from '../../dev/environment.ts';
import { createMissingDatabases, withAdmin } from '../../dev/servers/databases.ts';
import { exists } from '../../dev/servers/folders.ts';
import {
  copyPostgresData,
  NOT_DURABLE,
  type PostgresServer,
  startPostgres,
} from '../../dev/servers/postgres.ts';
import { OPERATOR, SERVICES } from '../../dev/services.ts';
import { testPostgresUrl } from './postgres.ts';

/** The schema changes of each database. */
const PARTS: Readonly<Record<string, readonly DatabaseName[]>> = {
  [OPERATOR.database]: ['operator'],
  ...Object.fromEntries(SERVICES.map(({ name }) => [name, ['link', name]])),
};

/** Little WAL is left when the server stops: every copy would take it along. */
const SETTINGS = { ...NOT_DURABLE, min_wal_size: '32MB', max_wal_size: '32MB' };

/** Puts prepared data into `dir`, where a server will be started; none when a file runs alone. */
export async function lendPreparedData(dir: string): Promise<void> {
  const { testPrepared: prepared } = readDevEnvironment();
  if (!prepared) return;
  await ensurePrepared(prepared);
  await copyPostgresData(prepared, dir);
}

/** Test files run at the same time: an advisory lock lets one work and the others wait. */
async function ensurePrepared(dir: string): Promise<void> {
  const done = join(dir, 'prepared');
  await withAdmin(await testPostgresUrl(), async (sql) => {
    await sql`select pg_advisory_lock(hashtext(${dir}))`;
    if (await exists(done)) return;
    const server = await startPostgres({ dir, settings: SETTINGS });
    try {
      await fill(server);
    } finally {
      await server.stop();
    }
    await writeFile(done, '');
  });
}

async function fill(server: PostgresServer): Promise<void> {
  await createMissingDatabases(server.url, Object.keys(PARTS));
  for (const [name, parts] of Object.entries(PARTS)) await applyExpand(server.urlOf(name), parts);
}
