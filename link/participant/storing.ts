/** Changes to rows of an entity where they are: their form, and the owner's versions of them. */
import type { Database, Transaction } from '../../runtime/postgres.ts';
import { LinkError } from '../errors.ts';
import { formAt, type RowForm } from '../rowForms.ts';
import type { EntityTable } from './entity.ts';

export interface StoredPage {
  /** Rows that were stored otherwise, and are stored in this form now. */
  readonly stored: number;
  /** Rows that are stored otherwise still: this side does not have what they lack. */
  readonly left: number;
  /** The last key of the page; undefined at the end. */
  readonly next: string | undefined;
}

/**
 * Stores the rows of one page of keys as a contract version has them. What a row says stays the same,
 * and so does its version. Rows are locked in the order of their keys, as everywhere.
 */
export async function storeRows(
  sql: Database,
  entity: EntityTable,
  wanted: { readonly version: number; readonly after: string; readonly limit: number },
): Promise<StoredPage> {
  const form = formAt(entity.forms, wanted.version);
  const type = await readKeyType(sql, entity);
  const storing = sql.begin(async (tx) => {
    const keys = await readKeys(tx, entity, type, wanted);
    const { stored, left } = await storeKeys(tx, entity, form, { type, keys });
    return { stored, left, next: keys.length < wanted.limit ? undefined : keys.at(-1) };
  });
  return storing.catch((error) => {
    throw explainConflict(error, entity, wanted.version);
  });
}

/** The message of a unique violation; its detail would show values of rows. */
function explainConflict(error: unknown, { table }: EntityTable, version: number): unknown {
  const { code, constraint_name: constraint } = error as Record<string, unknown>;
  if (code !== '23505') return error;
  const what = `rows of ${table} cannot be stored as version ${version} has them`;
  return new LinkError('NOT_MOVABLE', `${what}: two of them would be alike in ${constraint}`);
}

/** Keys in the order of their own type, which is the one that their index has. */
async function readKeys(
  tx: Transaction,
  { table, key }: EntityTable,
  type: string,
  { after, limit }: { readonly after: string; readonly limit: number },
): Promise<string[]> {
  const isAfter = after === '' ? '' : `where ${key} > $2::text::${type}`;
  const rows = await tx.unsafe<{ key: string }[]>(
    `select ${key}::text as key from ${table} ${isAfter} order by ${key} limit $1`,
    after === '' ? [limit] : [limit, after],
  );
  return rows.map((row) => row.key);
}

async function storeKeys(
  tx: Transaction,
  { table, key }: EntityTable,
  { isStored, store }: RowForm,
  { type, keys }: { readonly type: string; readonly keys: string[] },
): Promise<{ stored: number; left: number }> {
  if (!isStored) return { stored: 0, left: 0 };
  const others = `select ${key} from ${table}
    where ${key} = any($1::text[]::${type}[]) and not (${isStored}) order by ${key} for update`;
  const written = store
    ? `update ${table} set ${store} where ${key} in (select ${key} from others) returning (${isStored}) as ok`
    : 'select false as ok from others';
  const [counts] = await tx.unsafe<{ stored: number; left: number }[]>(
    `with others as materialized (${others}), written as (${written})
     select count(*) filter (where ok)::int as stored, count(*) filter (where not ok)::int as left
     from written`,
    [keys] as never,
  );
  return counts!;
}

async function readKeyType(sql: Database, { table, key }: EntityTable): Promise<string> {
  const [row] = await sql<{ type: string }[]>`
    select atttypid::regtype::text as type from pg_attribute
    where attrelid = ${table}::regclass and attname = ${key}`;
  return row!.type;
}

/**
 * Raises the versions of these entities: a replica that holds the same version with other content
 * takes what is sent next.
 */
export async function raiseVersions(
  tx: Transaction,
  entity: EntityTable,
  keys: readonly string[],
): Promise<void> {
  const { table, key, version } = entity;
  const named = `${key}::text = any($1::text[])`;
  await tx.unsafe(
    `with locked as materialized (select ${key} from ${table} where ${named} order by ${key} for update)
     update ${table} set ${version} = ${version} + 1 where ${key} in (select ${key} from locked)`,
    [keys] as never,
  );
}
