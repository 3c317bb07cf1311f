/** Looks for phrases in every text of a database, table by table, and answers where, never what. */
import type { Database } from '../../runtime/postgres.ts';
import { holdsPhrase } from './phrases.ts';

export interface Sought {
  readonly salt: string;
  /** See `hashPhrase`. */
  readonly hashes: ReadonlySet<string>;
  /** The most words that a phrase has. */
  readonly longest: number;
}

const ROWS_AT_ONCE = 1_000;

/** How many rows hold one of the phrases, by place: `schema.table.column`. Places without are absent. */
export async function findTraces(sql: Database, sought: Sought): Promise<Map<string, number>> {
  const traces = new Map<string, number>();
  for (const column of await listColumns(sql)) {
    const count = await countIn(sql, column, sought);
    if (count > 0) traces.set(`${column.schema}.${column.table}.${column.name}`, count);
  }
  return traces;
}

interface Column {
  readonly schema: string;
  readonly table: string;
  readonly name: string;
  readonly isBinary: boolean;
}

function listColumns(sql: Database): Promise<Column[]> {
  return sql<Column[]>`
    select table_schema as schema, table_name as table, column_name as name,
      data_type = 'bytea' as "isBinary"
    from information_schema.columns join information_schema.tables using (table_schema, table_name)
    where table_type = 'BASE TABLE' and table_schema not in ('pg_catalog', 'information_schema')
      and data_type in ('text', 'character varying', 'character', 'json', 'jsonb', 'bytea', 'ARRAY')
    order by 1, 2, 3`;
}

async function countIn(sql: Database, column: Column, sought: Sought): Promise<number> {
  const { schema, table, name, isBinary } = column;
  const value = isBinary ? sql`${sql(name)}` : sql`${sql(name)}::text`;
  const rows = sql<{ text: string | Buffer }[]>`
    select ${value} as text from ${sql(schema)}.${sql(table)} where ${sql(name)} is not null`;
  let count = 0;
  for await (const page of rows.cursor(ROWS_AT_ONCE))
    count += page.filter(({ text }) => holdsPhrase(text.toString(), sought)).length;
  return count;
}
