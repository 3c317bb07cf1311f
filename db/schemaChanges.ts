/**
 * Applies a database's schema changes. *Expand* changes only add and run when a service starts;
 * *contract* changes remove and run only when a migration completes. Several processes may start at
 * once: an advisory lock lets one act. A database with newer changes than this code knows is refused,
 * because the older code does not know what it would break.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { drizzle } from 'drizzle-orm/postgres-js';
import { migrate } from 'drizzle-orm/postgres-js/migrator';
import postgres from 'postgres';

export type DatabaseName = 'link' | 'assessments' | 'hiring' | 'bonuses' | 'operator';

/** Serialises schema changes within one database; any constant no other lock uses will do. */
const SCHEMA_CHANGE_LOCK = 7_070_001;

export class SchemaChangeError extends Error {
  readonly code: 'SCHEMA_NEWER' | 'SCHEMA_CHANGE_FAILED';
  constructor(code: SchemaChangeError['code'], message: string, cause?: unknown) {
    super(message, { cause });
    this.code = code;
  }
}

/** Brings the database at `url` to the newest expand change of each named part, in order. */
export async function applyExpand(url: string, parts: readonly DatabaseName[]): Promise<void> {
  const client = postgres(url, {
    max: 1,
    onnotice: () => {},
    connection: { application_name: 'schema' },
  });
  try {
    await client`select pg_advisory_lock(${SCHEMA_CHANGE_LOCK})`;
    for (const part of parts) await applyPart(client, part);
  } finally {
    await client.end({ timeout: 5 });
  }
}

async function applyPart(client: postgres.Sql, part: DatabaseName): Promise<void> {
  const migrationsFolder = join(import.meta.dirname, part, 'expand');
  await refuseNewer(client, part, migrationsFolder);
  try {
    await migrate(drizzle(client), {
      migrationsFolder,
      migrationsSchema: 'schema_changes',
      migrationsTable: part,
    });
  } catch (cause) {
    throw new SchemaChangeError(
      'SCHEMA_CHANGE_FAILED',
      `applying the schema changes of '${part}' failed: ${(cause as Error).message}`,
      cause,
    );
  }
}

async function refuseNewer(client: postgres.Sql, part: string, folder: string): Promise<void> {
  const journal = JSON.parse(readFileSync(join(folder, 'meta', '_journal.json'), 'utf8')) as {
    entries: { when: number; tag: string }[];
  };
  const known = Math.max(0, ...journal.entries.map((entry) => entry.when));
  const [table] = await client`select to_regclass(${`schema_changes.${part}`}) as name`;
  if (!table?.name) return;
  const [newest] = await client`
    select max(created_at)::float8 as at from ${client('schema_changes')}.${client(part)}`;
  if (newest?.at && newest.at > known)
    throw new SchemaChangeError(
      'SCHEMA_NEWER',
      `the database has schema change ${newest.at} of '${part}', this program knows only up to ` +
        `${known}; start a newer version of the program`,
    );
}
