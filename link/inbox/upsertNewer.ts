/**
 * The version check of formal links as one statement: a row is written only if the change is newer
 * than what is stored, so order and repetition do not matter.
 */
import type { Transaction } from '../../runtime/postgres.ts';
import { formAt, type RowForm, type RowForms } from '../rowForms.ts';

/** The PostgreSQL types that a replica's columns may have. */
export type ColumnType = 'text' | 'uuid' | 'int4' | 'int8' | 'bool' | 'timestamptz' | 'jsonb';

/** How rows are stored that came in one contract version. */
export interface ReplicaForm extends Partial<RowForm> {
  /** The columns beside key and version, with their types. */
  readonly columns: Readonly<Record<string, ColumnType>>;
}

export interface ReplicaTable {
  readonly table: string;
  readonly key: { readonly column: string; readonly type: ColumnType };
  readonly version: string;
  /**
   * A row is stored as the version that brought it has it, so that builds that know no newer one can
   * read what comes in theirs.
   */
  readonly forms: RowForms<ReplicaForm>;
}

/** One row to write: the key, the version, and a value for each column of the form. */
export interface NewerRow {
  readonly key: string;
  readonly version: bigint;
  readonly values: Readonly<Record<string, unknown>>;
}

/**
 * Writes rows that are newer than the stored ones and returns the keys it wrote. Keys must be unique
 * within `rows`, which came in one contract version (the newest by default). Rows are locked in the
 * order of their keys, so concurrent batches do not deadlock.
 */
export async function upsertNewer(
  tx: Transaction,
  replica: ReplicaTable,
  rows: readonly NewerRow[],
  contractVersion = Number.POSITIVE_INFINITY,
): Promise<ReadonlySet<string>> {
  const form = formAt(replica.forms, contractVersion);
  const sorted = [...rows].sort((a, b) => (a.key < b.key ? -1 : 1));
  const names = Object.keys(form.columns);
  const parameters = [
    sorted.map((row) => row.key),
    sorted.map((row) => row.version.toString()),
    ...names.map((name) => sorted.map((row) => textOf(row.values[name]))),
  ];
  const statement = statementFor(replica, form);
  const passed = await tx.unsafe<{ key: string }[]>(statement, parameters as never[], {
    prepare: true,
  });
  const written = new Set(sorted.map((row) => row.key));
  for (const { key } of passed) written.delete(key);
  return written;
}

const statements = new WeakMap<ReplicaForm, string>();

function statementFor(replica: ReplicaTable, form: ReplicaForm): string {
  let statement = statements.get(form);
  if (statement) return statement;
  const { key, version } = replica;
  const { columns } = form;
  const names = Object.keys(columns);
  const all = [key.column, version, ...names].map(quote);
  const types = [key.type, 'int8', ...names.map((name) => columns[name]!)];
  const table = quote(replica.table);
  const updates = all.slice(1).map((name) => `${name} = excluded.${name}`);
  // Nearly all rows are newer: the others are named.
  statement = `
    with written as (
      insert into ${table} as stored (${all.join(', ')})
      select ${all.map((name, i) => `${name}::${types[i]}`).join(', ')}
      from unnest(${types.map((_type, i) => `$${i + 1}::text[]`).join(', ')}) as newer(${all.join(', ')})
      on conflict (${quote(key.column)}) do update set ${updates.join(', ')}
        where excluded.${quote(version)} > stored.${quote(version)}
      returning ${quote(key.column)} as key)
    select key from unnest($1::text[]) as given(key)
    where (select count(*) from written) < cardinality($1)
      and key::${key.type} not in (select key from written)`;
  statements.set(form, statement);
  return statement;
}

function textOf(value: unknown): string | null {
  if (value === null || value === undefined) return null;
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

function quote(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
