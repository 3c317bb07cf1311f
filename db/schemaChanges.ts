/**
 * Applies a database's schema changes. *Expand* changes only add and run when a service starts;
 * *contract* changes remove and run only when a migration completes. drizzle-kit writes each into
 * a folder of its own; this file runs those that the database lacks, in one transaction. Why not
 * drizzle's own migrator: docs/decisions/0009.
 *
 * Several processes may start at once: an advisory lock lets one act.
 *
 * An older build can be started again on a newer database: what its code does not know was only
 * added. It is refused once something that it may use was removed, so contract changes are recorded
 * by name.
 */

import { createHash } from 'node:crypto';
import { globSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { CodedError } from '../runtime/errors.ts';
import type { Database, Transaction } from '../runtime/postgres.ts';
import { requireSchema, withPostgres } from '../runtime/postgresCheck.ts';
import type { Schema, SchemaChange } from '../runtime/postgresSchema.ts';
import { pause } from '../runtime/wake.ts';

export type DatabaseName =
  | 'link'
  | 'assessments'
  | 'hiring'
  | 'management'
  | 'bonuses'
  | 'finance'
  | 'operator';

/** Contract changes that hold in a database. */
const CONTRACTS = 'schema_changes.contracts';
const CREATE_CONTRACTS = `create schema if not exists schema_changes;
create table if not exists ${CONTRACTS} (part text, name text,
  made_at timestamptz not null default now(), primary key (part, name))`;

/** Serialises schema changes within one database; any constant that no other lock uses will do. */
const SCHEMA_CHANGE_LOCK = 7_070_001;

export class SchemaChangeError extends CodedError<'SCHEMA_NEWER' | 'SCHEMA_CHANGE_FAILED'> {}

interface ExpandChange {
  /** Its folder, such as `20261121215024_tune_queue_tables`. */
  readonly tag: string;
  /** When it was written, Unix milliseconds, a whole second: its order and its id. */
  readonly when: number;
}

/** What a contract change runs on: any connection of postgres.js. */
type Runner = { unsafe(text: string): { simple(): PromiseLike<unknown> } };

/**
 * Runs one *contract* change, `contract/<name>.sql` of the part, and records it. Each may be
 * repeated; one that takes another back names it in its first line: `-- takes back: <name>`.
 */
export async function applyContract(sql: Runner, part: DatabaseName, name: string): Promise<void> {
  const text = readFileSync(join(import.meta.dirname, part, 'contract', `${name}.sql`), 'utf8');
  const takenBack = /^-- takes back: (\w+)/.exec(text)?.[1];
  const record = takenBack
    ? `delete from ${CONTRACTS} where part = '${part}' and name = '${takenBack}'`
    : `insert into ${CONTRACTS} (part, name) values ('${part}', '${name}') on conflict do nothing`;
  try {
    await sql.unsafe(`${CREATE_CONTRACTS};\n${text}\n${record}`).simple();
  } catch (cause) {
    const what = `schema change ${name} of '${part}' failed: ${(cause as Error).message}`;
    throw new SchemaChangeError('SCHEMA_CHANGE_FAILED', what, { cause });
  }
}

/**
 * Brings the database at `url` to the newest expand change of each named part, in order, and returns
 * those that were missing. Throws PostgresUnfitError when relink cannot run on it.
 */
export function applyExpand(
  url: string,
  parts: readonly DatabaseName[],
): Promise<readonly SchemaChange[]> {
  return withPostgres(url, { name: 'schema changes', statementTimeoutMs: 0 }, async (sql) => {
    await requireSchema(sql);
    const made: SchemaChange[] = [];
    for (const part of parts) {
      const folder = join(import.meta.dirname, part, 'expand');
      const names = await retryLocked(() => applyPart(sql, part, folder));
      made.push(...names.map((name) => ({ part, name, removes: false, madeAt: new Date() })));
    }
    return made;
  });
}

/**
 * A change waits for running transactions, and everything that comes after waits for the change: so
 * it gives up soon, lets the others through, and tries again.
 */
const LOCK_TIMEOUT_MS = 1_000;
const LOCK_PAUSE_MS = 500;
const LOCK_TRIES = 30;

async function retryLocked<T>(change: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1)
    try {
      return await change();
    } catch (error) {
      if (!isLockTimeout(error) || tries >= LOCK_TRIES) throw error;
      await pause(LOCK_PAUSE_MS);
    }
}

function isLockTimeout(error: unknown): boolean {
  const { code, cause } = error as { code?: string; cause?: unknown };
  return code === '55P03' || (cause !== undefined && isLockTimeout(cause));
}

/** The schema of a service's database for the link kit: its own tables are the last of the parts. */
export function schemaOf(url: string, sql: Database, parts: readonly DatabaseName[]): Schema {
  const own = parts.at(-1)!;
  return {
    list: () => listChanges(sql, parts),
    expand: () => applyExpand(url, parts),
    contract: async (name) => {
      if ((await listContracts(sql, own)).some((one) => one.name === name)) return false;
      await retryLocked(() =>
        sql.begin(async (tx) => {
          await limitLocks(tx);
          await applyContract(tx, own, name);
        }),
      );
      return true;
    },
  };
}

async function listChanges(sql: Database, parts: readonly DatabaseName[]) {
  const all: SchemaChange[] = [];
  for (const part of parts) {
    const made = await sql<{ id: number; at: number }[]>`
      select id, created_at::float8 as at from ${sql('schema_changes')}.${sql(part)}`;
    const byTime = new Set(made.map(({ at }) => Math.floor(at / 1_000)));
    const expand = changesIn(join(import.meta.dirname, part, 'expand'));
    const done = expand.filter(({ when }) => byTime.has(when / 1_000));
    // The driver's table does not say when; the name says when it was written.
    all.push(...done.map(({ tag }) => ({ part, name: tag, removes: false, madeAt: undefined })));
    all.push(...(await listContracts(sql, part)));
  }
  return all;
}

async function listContracts(sql: Database, part: DatabaseName): Promise<SchemaChange[]> {
  const rows = await sql<{ name: string; madeAt: Date }[]>`
    select name, made_at as "madeAt" from schema_changes.contracts
    where part = ${part} order by made_at`;
  return rows.map((row) => ({ part, removes: true, ...row }));
}

function limitLocks(tx: Transaction) {
  return tx.unsafe(`set local lock_timeout = ${LOCK_TIMEOUT_MS}`);
}

/** Returns the names of the changes that it made. */
async function applyPart(sql: Database, part: string, folder: string): Promise<string[]> {
  return sql.begin(async (tx) => {
    await limitLocks(tx);
    await tx`select pg_advisory_xact_lock(${SCHEMA_CHANGE_LOCK})`;
    const table = tx`${tx('schema_changes')}.${tx(part)}`;
    await tx`create schema if not exists schema_changes`;
    await tx`create table if not exists ${table}
      (id serial primary key, hash text not null, created_at bigint)`;
    // Whole seconds: records of before drizzle-kit 1.0 have the milliseconds of its journal.
    const [newest] = await tx`
      select coalesce(max(created_at) / 1000 * 1000, 0)::float8 as at from ${table}`;
    const known = changesIn(folder);
    await refuseContracted(tx, part, dirname(folder));
    const missing = known.filter(({ when }) => when > newest!.at);
    for (const change of missing) {
      const text = readFileSync(join(folder, change.tag, 'migration.sql'), 'utf8');
      await runChange(tx, part, change, text);
      const hash = createHash('sha256').update(text).digest('hex');
      await tx`insert into ${table} (hash, created_at) values (${hash}, ${change.when})`;
    }
    return missing.map(({ tag }) => tag);
  });
}

async function runChange(
  tx: Transaction,
  part: string,
  { tag }: ExpandChange,
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

function changesIn(folder: string): ExpandChange[] {
  const tags = globSync('*/migration.sql', { cwd: folder }).map(dirname);
  return tags.sort().map((tag) => ({ tag, when: writtenAt(tag) }));
}

/** drizzle-kit names a folder by the moment it wrote it, in UTC: `yyyymmddhhmmss_name`. */
function writtenAt(tag: string): number {
  return Date.parse(tag.replace(/^(\d{4})(..)(..)(..)(..)(..)_.*/, '$1-$2-$3T$4:$5:$6Z'));
}

/** Something was removed that this build, which does not know of it, may still use. */
async function refuseContracted(tx: Transaction, part: string, folder: string): Promise<void> {
  await tx.unsafe(CREATE_CONTRACTS).simple();
  const known = globSync('contract/*.sql', { cwd: folder }).map((file) => basename(file, '.sql'));
  const [unknown] = await tx<{ name: string }[]>`
    select name from schema_changes.contracts where part = ${part} and name <> all(${known}) limit 1`;
  if (!unknown) return;
  throw new SchemaChangeError(
    'SCHEMA_NEWER',
    `the database has removed what this program may still use ('${unknown.name}' of '${part}'); ` +
      'start a newer version of the program',
  );
}
