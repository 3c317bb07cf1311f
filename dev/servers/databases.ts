/** Creates and drops databases, given the administrator's URL of a server. */

import postgres from 'postgres';

const DUPLICATE_DATABASE = '42P04';
/** A running server accepts at once; an address where nothing listens must not block us. */
const CONNECT_TIMEOUT_SECONDS = 10;

/** All statements have ended: a connection that is still open after this time is broken. */
const CLOSE_TIMEOUT_SECONDS = 1;

/** One connection for a few statements, which drops notices. */
export function connectAdmin(adminUrl: string): postgres.Sql {
  return postgres(adminUrl, {
    max: 1,
    connect_timeout: CONNECT_TIMEOUT_SECONDS,
    onnotice: () => undefined,
    connection: { application_name: 'relink-dev' },
  });
}

/** Runs `work` on one connection and closes it. */
export async function withAdmin<T>(
  adminUrl: string,
  work: (sql: postgres.Sql) => Promise<T>,
): Promise<T> {
  const sql = connectAdmin(adminUrl);
  try {
    return await work(sql);
  } finally {
    await sql.end({ timeout: CLOSE_TIMEOUT_SECONDS });
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
  return databaseUrl(adminUrl, name);
}

/** Drops a database and ends the connections to it; does nothing when there is none. */
export async function dropDatabase(adminUrl: string, name: string): Promise<void> {
  await withAdmin(adminUrl, (sql) => sql`drop database if exists ${sql(name)} with (force)`);
}

/** The URL of another database on the same server. */
export function databaseUrl(adminUrl: string, name: string): string {
  const url = new URL(adminUrl);
  url.pathname = `/${encodeURIComponent(name)}`;
  return url.href;
}
