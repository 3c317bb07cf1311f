/** Makes and removes databases of a server, by its administrator's URL. */

import postgres from 'postgres';

const DUPLICATE_DATABASE = '42P04';
/** A server that is up answers at once; an address where nothing answers must not hang us. */
const CONNECT_TIMEOUT_SECONDS = 10;

/** The statements are done: a connection that does not close by then is broken. */
const CLOSE_TIMEOUT_SECONDS = 1;

/** One connection for a few statements, without the notices. */
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
 * Makes a database, as a copy of `template` when given; answers its URL.
 * Says nothing when it exists already and no template was asked for.
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

/** Removes a database, ending connections to it; says nothing when there is none. */
export async function dropDatabase(adminUrl: string, name: string): Promise<void> {
  await withAdmin(adminUrl, (sql) => sql`drop database if exists ${sql(name)} with (force)`);
}

/** The same server, another database. */
export function databaseUrl(adminUrl: string, name: string): string {
  const url = new URL(adminUrl);
  url.pathname = `/${encodeURIComponent(name)}`;
  return url.href;
}
