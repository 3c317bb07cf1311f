/** Finds what a test, or a whole run, left behind: a test that leaves something running fails. */

import { readdir, readFile } from 'node:fs/promises';
import { withAdmin } from '../../dev/servers/databases.ts';
import type { NatsServer } from '../../dev/servers/nats.ts';
import { commandOf } from '../../dev/servers/running.ts';
import { until } from './until.ts';

/** Names of databases that tests make. Not `template0` and `template1`, which are the server's. */
export const TEST_DATABASE_PREFIX = 'test_';
export const TEMPLATE_PREFIX = 'template_';

/**
 * Counted from the first hook after a test: the hooks that close its clients come behind it, one after
 * another, and a pool whose connections were cut takes seconds.
 */
const CLOSING_LIMIT_MS = 60_000;

/** Throws with the names of clients that are still connected. */
export async function refuseOpenConnections(
  server: NatsServer,
  withinMs = CLOSING_LIMIT_MS,
): Promise<void> {
  // A test may end with its server stopped: then nobody can be connected.
  if (!server.isRunning) return;
  server.signal('SIGCONT');
  let open = await server.connections();
  await until(
    async () => {
      open = await server.connections();
      return open.length === 0;
    },
    { withinMs, what: 'all NATS clients closed' },
  ).catch((cause) => {
    const names = open.map(({ cid, name, lang }) => name ?? `${lang ?? 'client'} ${cid}`);
    throw new Error(`NATS connections left open: ${names.join(', ')}`, { cause });
  });
}

/** Throws with the clients that still use a database. */
export async function refuseOpenClients(
  adminUrl: string,
  database: string,
  withinMs = CLOSING_LIMIT_MS,
): Promise<void> {
  let open: string[] = [];
  await until(
    async () => {
      open = await postgresConnections(adminUrl, database);
      return open.length === 0;
    },
    { withinMs, what: 'all PostgreSQL clients closed', everyMs: 50 },
  ).catch((cause) => {
    throw new Error(`PostgreSQL connections left open: ${open.join(', ')}`, { cause });
  });
}

/** Clients of a PostgreSQL, or of one of its databases, with their last statement. */
export async function postgresConnections(adminUrl: string, database?: string): Promise<string[]> {
  const rows = await withAdmin(
    adminUrl,
    (sql) => sql<{ line: string }[]>`
      select format('%s on %s: %s', coalesce(nullif(application_name, ''), 'client'), datname,
                    left(query, 80)) as line
      from pg_stat_activity
      where backend_type = 'client backend' and pid <> pg_backend_pid()
        and (${database ?? null}::text is null or datname = ${database ?? null})`,
  );
  return rows.map(({ line }) => line);
}

/** Databases of tests that were not dropped. */
export async function leftDatabases(adminUrl: string): Promise<string[]> {
  const rows = await withAdmin(
    adminUrl,
    (sql) => sql<{ datname: string }[]>`
      select datname from pg_database where starts_with(datname, ${TEST_DATABASE_PREFIX})`,
  );
  return rows.map(({ datname }) => `database ${datname}`);
}

/** Drops what databases were copied from, so that the next run fills them anew. */
export async function dropTemplates(adminUrl: string): Promise<void> {
  await withAdmin(adminUrl, async (sql) => {
    const rows = await sql<{ datname: string }[]>`
      select datname from pg_database where starts_with(datname, ${TEMPLATE_PREFIX})`;
    for (const { datname } of rows) await sql`drop database ${sql(datname)} with (force)`;
  });
}

/**
 * Processes that carry the mark of this run in their environment, but for `except`. Finds children
 * of children too, also in another session. Only where `/proc` exists; else it answers none.
 */
export async function processesOfRun(run: string, except: ReadonlySet<number>): Promise<string[]> {
  if (process.platform !== 'linux') return [];
  const pids = (await readdir('/proc')).map(Number).filter((pid) => pid > 0 && !except.has(pid));
  const lines = await Promise.all(pids.map((pid) => describeIfOfRun(pid, run)));
  return lines.filter((line) => line !== undefined);
}

async function describeIfOfRun(pid: number, run: string): Promise<string | undefined> {
  // Gone meanwhile, or another user's: in neither case one of ours.
  const environment = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '');
  if (!environment.split('\0').includes(`RELINK_TEST_RUN=${run}`)) return undefined;
  return `process ${pid}: ${await commandOf(pid)}`;
}
