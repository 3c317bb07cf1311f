/**
 * Parity of a formal link: both sides describe the entity's rows by a table and the columns that
 * make up its canonical text in a contract version; the hashes are computed where the rows are.
 * `hashtextextended` measured half the time of md5, and gives the buckets for free.
 */
import type { Database, Transaction } from '../../runtime/postgres.ts';
import type { ReplicaTable } from '../inbox/upsertNewer.ts';
import type { Message } from '../outbox/message.ts';
import { formAt, type RowForms } from '../rowForms.ts';

/** How an entity is stored on one side. Both sides must give the same texts in the same version. */
export interface EntityTable {
  readonly table: string;
  readonly key: string;
  readonly version: string;
  readonly forms: RowForms;
}

/** A replica as an entity. */
export function entityOf({ table, key, version, forms }: ReplicaTable): EntityTable {
  return { table, key: key.column, version, forms: mapForms(forms) };
}

/** Without texts of its own, a replica's form shows its columns in their order. */
function mapForms(forms: ReplicaTable['forms']): RowForms {
  const entries = Object.entries(forms).map(([version, form]) => {
    const texts = form.texts ?? Object.keys(form.columns).map((column) => `${column}::text`);
    return [version, { ...form, texts }];
  });
  return Object.fromEntries(entries);
}

/** The owner's side also turns rows into events, for the backfill. */
export interface EntitySource extends EntityTable {
  /** Up to `limit` entities after `afterKey` in key order, or only those named, as messages. */
  readonly page: (
    tx: Transaction,
    wanted: { afterKey: string; limit: number; keys: readonly string[] },
  ) => Promise<readonly (Message & { readonly key: string })[]>;
  /** By key, the fields of older contract versions that the newest lacks, as the rows have them. */
  readonly complement?: (
    sql: Database,
    keys: readonly string[],
  ) => Promise<ReadonlyMap<string, Message['payload']>>;
  /**
   * Up to `limit` entities after `afterKey` in key order, with what they have in those fields: without
   * it nobody can look for copies of it once a newer version has taken the fields away.
   */
  readonly phrases?: (
    sql: Database,
    page: { readonly afterKey: string; readonly limit: number },
  ) => Promise<readonly NamedEntity[]>;
}

/** What an entity is called by whom a contract version keeps from knowing it. */
export interface NamedEntity {
  readonly key: string;
  /** What may stand in a text instead: small letters, digits and hyphens. */
  readonly alias: string;
  /** By the field's name. */
  readonly fields: Readonly<Record<string, string>>;
  /** As free texts may have it: `First Last`. */
  readonly names: readonly string[];
}

/** In which terms rows are compared. */
export interface Terms {
  /** The contract version. */
  readonly version: number;
  /** A row counts as another one unless it is stored as that version has it. */
  readonly asStored: boolean;
}

export interface BucketDigest {
  readonly bucket: number;
  readonly count: number;
  readonly sum: string;
}

const SEPARATOR = "E'\\x1f'"; // ASCII unit separator: no text of an entity contains it

function textOf(entity: EntityTable, { version, asStored }: Terms): string {
  const { texts, isStored } = formAt(entity.forms, version);
  const parts = [`${entity.key}::text`, `${entity.version}::text`, ...texts];
  const shown = parts.map((part) => `coalesce(${part}, '')`);
  // Null, which is left out, where all is well: the text is then the one of the owner.
  if (asStored && isStored) shown.push(`case when ${isStored} then null else 'other form' end`);
  return `concat_ws(${SEPARATOR}, ${shown.join(', ')})`;
}

function bucketOf(entity: EntityTable): string {
  return `(hashtextextended(${entity.key}::text, 0) & 9223372036854775807) % $1`;
}

/** Count and exact sum of row hashes per bucket of keys. Buckets without rows are absent. */
export async function digestEntity(
  sql: Database,
  entity: EntityTable,
  buckets: number,
  terms: Terms,
): Promise<BucketDigest[]> {
  const rows = await sql.unsafe<{ bucket: number; count: number; sum: string }[]>(
    `select (${bucketOf(entity)})::int as bucket, count(*)::int as count,
       sum(hashtextextended(${textOf(entity, terms)}, 0))::text as sum
     from ${entity.table} group by 1 order by 1`,
    [buckets],
  );
  return [...rows];
}

export interface BucketRow {
  readonly key: string;
  readonly version: bigint;
  readonly hash: bigint;
}

/** Up to `limit` rows of one bucket after a key, to locate what differs. */
export async function listBucket(
  sql: Database,
  entity: EntityTable,
  wanted: Terms & { buckets: number; bucket: number; after: string; limit: number },
): Promise<readonly BucketRow[]> {
  const key = `${entity.key}::text collate "C"`;
  return sql.unsafe<BucketRow[]>(
    `select ${key} as key, ${entity.version}::int8 as version,
       hashtextextended(${textOf(entity, wanted)}, 0) as hash
     from ${entity.table} where ${bucketOf(entity)} = $2 and ($3 = '' or ${key} > $3) order by 1 limit $4`,
    [wanted.buckets, wanted.bucket, wanted.after, wanted.limit],
  );
}

/** How many entities there are. */
export async function countEntities(sql: Database, entity: EntityTable): Promise<number> {
  const rows = await sql.unsafe<{ count: number }[]>(
    `select count(*)::int as count from ${entity.table}`,
  );
  return rows[0]!.count;
}

/** Some keys, chosen at random each time. */
export async function listKeys(
  sql: Database,
  entity: EntityTable,
  limit: number,
): Promise<string[]> {
  const rows = await sql.unsafe<{ key: string }[]>(
    `select ${entity.key}::text as key from ${entity.table} order by random() limit $1`,
    [limit],
  );
  return rows.map(({ key }) => key);
}

/** Whether the table exists; a replica's is dropped once its link is `pull` for good. */
export async function tableExists(sql: Database | Transaction, table: string): Promise<boolean> {
  const [row] = await sql<{ exists: boolean }[]>`
    select to_regclass(${table}) is not null as exists`;
  return row!.exists;
}
