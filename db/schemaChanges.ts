/**
 * Applies a database's schema changes. *Expand* changes only add and run when a service starts;
 * *contract* changes remove and run only when a migration completes. drizzle-kit writes each into
 * a folder of its own; this file runs those that the database lacks, in one transaction. Why not
 * drizzle's own migrator: docs/decisions/0009.
 *
 * Several processes may start at once: an advisory lock lets one act. A database with newer changes
 * than this code knows is refused, because older code does not know what it would break.
 */

import { createHash } from 'node:crypto';
import { globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { CodedError } from '../runtime/errors.ts';
import type { Database, Transaction } from '../runtime/postgres.ts';
import { requireSchema, withPostgres } from '../runtime/postgresCheck.ts';

export type DatabaseName =
  | 'link'
  | 'assessments'
  | 'hiring'
  | 'management'
  | 'bonuses'
  | 'finance'
  | 'operator';

/** Serialises schema changes within one database; any constant that no other lock uses will do. */
const SCHEMA_CHANGE_LOCK = 7_070_001;

export class SchemaChangeError extends CodedError<'SCHEMA_NEWER' | 'SCHEMA_CHANGE_FAILED'> {}

interface SchemaChange {
  /** Its folder, such as `20261121215024_tune_queue_tables`. */
  readonly tag: string;
  /** When it was written, Unix milliseconds, a whole second: its order and its id. */
  readonly when: number;
}

/** What a contract change runs on: any connection of postgres.js. */
type Runner = { unsafe(text: string): { simple(): PromiseLike<unknown> } };

/**
 * Runs one *contract* change, `contract/<name>.sql` of the part. Each may be repeated, and has a
 * counterpart that undoes it, so nothing needs to be recorded.
 */
export async function applyContract(sql: Runner, part: DatabaseName, name: string): Promise<void> {
  const file = join(import.meta.dirname, part, 'contract', `${name}.sql`);
  try {
    await sql.unsafe(readFileSync(file, 'utf8')).simple();
  } catch (cause) {
    const what = `schema change ${name} of '${part}' failed: ${(cause as Error).message}`;
    throw new SchemaChangeError('SCHEMA_CHANGE_FAILED', what, { cause });
  }
}

/**
 * Brings the database at `url` to the newest expand change of each named part, in order. Throws
 * PostgresUnfitError when relink cannot run on it.
 */
export async function applyExpand(url: string, parts: readonly DatabaseName[]): Promise<void> {
  await withPostgres(url, { name: 'schema changes', statementTimeoutMs: 0 }, async (sql) => {
    await requireSchema(sql);
    for (const part of parts) await applyPart(sql, part, join(import.meta.dirname, part, 'expand'));
  });
}

async function applyPart(sql: Database, part: string, folder: string): Promise<void> {
  await sql.begin(async (tx) => {
    await tx`select pg_advisory_xact_lock(${SCHEMA_CHANGE_LOCK})`;
    const table = tx`${tx('schema_changes')}.${tx(part)}`;
    await tx`create schema if not exists schema_changes`;
    await tx`create table if not exists ${table}
      (id serial primary key, hash text not null, created_at bigint)`;
    // Whole seconds: records of before drizzle-kit 1.0 have the milliseconds of its journal.
    const [newest] = await tx`
      select coalesce(max(created_at) / 1000 * 1000, 0)::float8 as at from ${table}`;
    const known = listChanges(folder);
    refuseNewer(part, newest!.at, known);
    for (const change of known.filter(({ when }) => when > newest!.at)) {
      const text = readFileSync(join(folder, change.tag, 'migration.sql'), 'utf8');
      await runChange(tx, part, change, text);
      const hash = createHash('sha256').update(text).digest('hex');
      await tx`insert into ${table} (hash, created_at) values (${hash}, ${change.when})`;
    }
  });
}

async function runChange(
  tx: Transaction,
  part: string,
  { tag }: SchemaChange,
  text: string,
): Promise<void> {
  try {
    await tx.unsafe(text).simple();
  } catch (cause) {
    const { message } = cause as Error;
    const what = `schema change ${tag} of '${part}' failed, nothing was changed: ${message}`;
    throw new SchemaChangeError('SCHEMA_CHANGE_FAILED', what, { cause });
  }
}

function listChanges(folder: string): SchemaChange[] {
  const tags = globSync('*/migration.sql', { cwd: folder }).map(dirname);
  return tags.sort().map((tag) => ({ tag, when: writtenAt(tag) }));
}

/** drizzle-kit names a folder by the moment it wrote it, in UTC: `yyyymmddhhmmss_name`. */
function writtenAt(tag: string): number {
  return Date.parse(tag.replace(/^(\d{4})(..)(..)(..)(..)(..)_.*/, '$1-$2-$3T$4:$5:$6Z'));
}

function refuseNewer(part: string, newest: number, known: readonly SchemaChange[]): void {
  const last = known.at(-1)?.when ?? 0;
  if (newest <= last) return;
  throw new SchemaChangeError(
    'SCHEMA_NEWER',
    `the database has schema change ${newest} of '${part}', this program knows changes only up to ` +
      `${last}; start a newer version of the program`,
  );
}
