/**
 * Samples of column values that PostgreSQL keeps for its planner, readable in `pg_stats` by who may
 * read the table. They outlive the values.
 */
import type { Database } from '../../runtime/postgres.ts';

/** A sample that cannot be dropped now, because its table is in use, is dropped the next time. */
const LOCK_WAIT = '1s';
const LOCK_NOT_AVAILABLE = '55P03';

export interface Sample {
  readonly schema: string;
  readonly table: string;
  readonly column: string;
  readonly values: string;
}

export function listSamples(sql: Database): Promise<Sample[]> {
  return sql<Sample[]>`
    select schemaname as schema, tablename as table, attname as column,
      concat_ws(' | ', most_common_vals::text, histogram_bounds::text, most_common_elems::text)
        as values
    from pg_stats where schemaname not in ('pg_catalog', 'information_schema')`;
}

/** Makes the sample of a column one of the values of now. */
export async function renewSample(sql: Database, { schema, table, column }: Sample): Promise<void> {
  const [found] = await sql<{ name: string; type: string }[]>`
    select format('%I.%I', ${schema}::text, ${table}::text) as name,
      format('%I type %s', attname, format_type(atttypid, atttypmod)) ||
        coalesce(' collate ' || (select format('%I.%I', nspname, collname) from pg_collation c
          join pg_namespace n on n.oid = c.collnamespace where c.oid = attcollation), '') as type
    from pg_attribute where attname = ${column}
      and attrelid = format('%I.%I', ${schema}::text, ${table}::text)::regclass`;
  const { name, type } = found!;
  await sql.unsafe(`analyze ${name}`);
  const rows = await sql.unsafe(`select from ${name} limit 1`);
  if (rows.length === 0) await dropSample(sql, name, type);
}

/** Analysing an empty table keeps its samples. Giving a column the type it has rewrites nothing else. */
async function dropSample(sql: Database, name: string, type: string): Promise<void> {
  const dropping = sql.begin(async (tx) => {
    await tx`select set_config('lock_timeout', ${LOCK_WAIT}, true)`;
    await tx.unsafe(`alter table ${name} alter column ${type}`);
  });
  await dropping.catch((error) => {
    if (error.code !== LOCK_NOT_AVAILABLE) throw error;
  });
}
