/** The columns of a database that may hold text, of every schema and kind. */
import type { Database } from '../../runtime/postgres.ts';

export interface Column {
  readonly name: string;
  readonly isText: boolean;
  readonly isBinary: boolean;
}

export interface Table {
  readonly schema: string;
  readonly table: string;
  /** Foreign tables are elsewhere. */
  readonly isForeign: boolean;
  readonly columns: readonly Column[];
}

/** Numbers, truth values, dates, times, addresses and bits: nobody is called so. */
const TEXTLESS = ['N', 'B', 'D', 'T', 'I', 'G', 'V'];

/**
 * Every table that is not PostgreSQL's own, with its columns; those of other sessions are left out. A
 * partition is read with its table.
 */
export async function listTables(sql: Database): Promise<Table[]> {
  const rows = await sql<(Omit<Table, 'columns'> & Column)[]>`
    select n.nspname as schema, c.relname as table, c.relkind = 'f' as "isForeign",
      a.attname as name, b.typname = 'bytea' as "isBinary",
      b.typcategory::text <> all(${TEXTLESS}) and b.typname <> 'uuid' as "isText"
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    join pg_type t on t.oid = a.atttypid
    join pg_type b on b.oid = coalesce(nullif(t.typbasetype, 0), t.oid)
    where c.relkind in ('r', 'm', 'f', 'p') and not c.relispartition and c.relpersistence <> 't'
      and n.nspname <> 'information_schema' and n.nspname !~ '^pg_(catalog|toast)'
    order by 1, 2, a.attnum`;
  const grouped = Map.groupBy(rows, ({ schema, table }) => JSON.stringify([schema, table]));
  return [...grouped.values()].map((columns) => {
    const { schema, table, isForeign } = columns[0]!;
    return { schema, table, isForeign, columns };
  });
}

/** The qualified names of tables as a service calls them: `managers` is `public.managers`. */
export async function qualified(sql: Database, tables: readonly string[]): Promise<Set<string>> {
  const rows = await sql<{ name: string }[]>`
    select concat_ws('.', n.nspname, c.relname) as name
    from unnest(${[...tables]}::text[]) given join pg_class c on c.oid = to_regclass(given)
    join pg_namespace n on n.oid = c.relnamespace`;
  return new Set(rows.map(({ name }) => name));
}
