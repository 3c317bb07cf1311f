/**
 * Tables in partitions of a day: those of the next days are made ahead, and the oldest are dropped
 * whole, which costs nothing however many rows they have. Rows of a day without a partition are in the
 * table's default one, `…_rest`; that day keeps none, and its rows are removed one by one.
 */
import type { Database, Transaction } from '../../runtime/postgres.ts';

export interface DayTable {
  /** Of the schema `relink`, partitioned by range of `column`, with a default partition `…_rest`. */
  readonly table: string;
  readonly column: string;
  /** Days that are kept besides today. */
  readonly keepDays: number;
}

/** As many days as nobody may look after a service. */
const DAYS_AHEAD = 7;
/** Rows of the default partition that one call removes. */
const REST_AT_ONCE = 10_000;
/** The namespace of these advisory locks, one for each table. */
const UPKEEP_LOCK_NAMESPACE = 7_070_003;
/** Whoever uses the table waits behind a change of its partitions: it gives up soon, and is tried again. */
const LOCK_TIMEOUT = '1s';

/** Days in UTC, by PostgreSQL's clock: `2026-11-27`, and its partition `history_20261127`. */
interface Day {
  readonly day: string;
  readonly next: string;
  readonly partition: string;
}

/** Safe to call at any time, by any number of processes: one acts, the others have nothing to do. */
export async function keepDays(sql: Database, kept: DayTable): Promise<void> {
  await sql.begin(async (tx) => {
    await tx.unsafe(`set local lock_timeout = '${LOCK_TIMEOUT}'`);
    const [lock] = await tx<{ isMine: boolean }[]>`
      select pg_try_advisory_xact_lock(${UPKEEP_LOCK_NAMESPACE}, hashtext(${kept.table})) as "isMine"`;
    if (!lock!.isMine) return;
    const there = await partitionsOf(tx, kept.table);
    const wanted = await daysOf(tx, kept.table, kept.keepDays);
    for (const day of wanted.ahead) if (!there.includes(day.partition)) await addDay(tx, kept, day);
    for (const partition of there)
      if (partition < wanted.oldest.partition) await tx.unsafe(`drop table relink."${partition}"`);
    await tx.unsafe(`
      delete from relink."${kept.table}_rest" where ctid = any(array(
        select ctid from relink."${kept.table}_rest"
        where "${kept.column}" < '${wanted.oldest.day}T00:00Z' limit ${REST_AT_ONCE}))`);
  });
}

/** Those of a day, oldest first. */
async function partitionsOf(tx: Transaction, table: string): Promise<string[]> {
  const rows = await tx<{ name: string }[]>`
    select c.relname as name from pg_inherits i join pg_class c on c.oid = i.inhrelid
    where i.inhparent = ${`relink.${table}`}::regclass and c.relname ~ '_[0-9]{8}$' order by 1`;
  return rows.map(({ name }) => name);
}

async function daysOf(tx: Transaction, table: string, keepDays: number) {
  const rows = await tx<Day[]>`
    select to_char(d, 'YYYY-MM-DD') as day, to_char(d + 1, 'YYYY-MM-DD') as next,
      ${table}::text || to_char(d, '_YYYYMMDD') as partition
    from (select (now() at time zone 'UTC')::date + n as d
      from generate_series(${-keepDays}::int, ${DAYS_AHEAD}::int) n) days order by d`;
  return { oldest: rows[0]!, ahead: rows.slice(keepDays) };
}

/** Made beside the table and then attached, which nobody who uses the table has to wait for. */
async function addDay(tx: Transaction, { table, column }: DayTable, day: Day): Promise<void> {
  const [from, to] = [`${day.day}T00:00Z`, `${day.next}T00:00Z`];
  const [rest] = await tx.unsafe(`
    select from relink."${table}_rest" where "${column}" >= '${from}' and "${column}" < '${to}'
    limit 1`);
  if (rest) return;
  await tx.unsafe(`
    create table relink."${day.partition}" (like relink."${table}" including defaults);
    alter table relink."${table}" attach partition relink."${day.partition}"
      for values from ('${from}') to ('${to}')`);
}
