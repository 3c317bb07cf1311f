/** Creates and drops databases, given the administrator's URL of a server. */

import { closePostgres, connectPostgres, type Database } from '../../runtime/postgres.ts';
import { withPostgres } from '../../runtime/postgresCheck.ts';
import { urlOfDatabase } from '../../runtime/postgresUrl.ts';
import { ServerError } from './errors.ts';

const DUPLICATE_DATABASE = '42P04';
const INSUFFICIENT_PRIVILEGE = '42501';
/** Copying a template, or waiting for a test that fills one, has no limit of its own. */
const ADMIN = { name: 'relink-dev', max: 1, statementTimeoutMs: 0 };

/** One connection for a few statements, which drops notices. */
export function connectAdmin(adminUrl: string): Database {
  return connectPostgres(adminUrl, ADMIN);
}

/** Runs `work` on one connection and closes it. */
export async function withAdmin<T>(
  adminUrl: string,
  work: (sql: Database) => Promise<T>,
): Promise<T> {
  const sql = connectAdmin(adminUrl);
  try {
    return await work(sql);
  } finally {
    await closePostgres(sql);
  }
}

/**
 * Creates a database, as a copy of `template` if given, and returns its URL. Without a template, a
 * database that exists is left as it is.
 */
export async function createDatabase(
  adminUrl: string,
  name: string,
  template?: string,
): Promise<string> {
  await withAdmin(adminUrl, async (sql) => {
    const copy = template === undefined ? sql`` : sql`template ${sql(template)}`;
    await sql`create database ${sql(name)} ${copy}`.catch((error) => {
      if (error.code !== DUPLICATE_DATABASE || template !== undefined) throw error;
    });
  });
  return urlOfDatabase(adminUrl, name);
}

/**
 * Makes the databases that are not there yet. Throws PostgresUnfitError when relink cannot run on
 * the server, and `start_failed` when the user may not create what is missing.
 */
export async function createMissingDatabases(
  adminUrl: string,
  names: readonly string[],
): Promise<void> {
  await withPostgres(adminUrl, ADMIN, async (sql) => {
    const rows = await sql<{ name: string }[]>`
      select datname as name from pg_database where datname = any(${names as string[]}::text[])`;
    const missing = names.filter((name) => !rows.some((row) => row.name === name));
    for (const name of missing)
      await sql`create database ${sql(name)}`.catch((cause) => {
        if (cause.code === INSUFFICIENT_PRIVILEGE) throw mayNotCreate(missing, cause);
        if (cause.code !== DUPLICATE_DATABASE) throw cause;
      });
  });
}

function mayNotCreate(missing: readonly string[], cause: unknown): ServerError {
  const list = missing.join(', ');
  const what =
    `the user of RELINK_POSTGRES_URL may not create databases, and these are missing: ${list}; ` +
    'create them with this user as owner, or give the user CREATEDB';
  return new ServerError('start_failed', what, { cause });
}

/** Drops a database and ends the connections to it; does nothing when there is none. */
export async function dropDatabase(adminUrl: string, name: string): Promise<void> {
  await withAdmin(adminUrl, (sql) => sql`drop database if exists ${sql(name)} with (force)`);
}
