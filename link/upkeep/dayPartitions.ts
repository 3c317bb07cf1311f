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
  /** The bound of a day that begins then, as SQL; where it is not that time itself. */
  readonly boundAt?: (time: string) => string;
  /** The very first day begins when it is made: see `keptSince`. */
  readonly beginsNow?: boolean;
  /**
   * Before a day is dropped, in the same transaction, with the bound of the oldest that is kept. False
   * leaves the day for later.
   */
  readonly beforeDrop?: (tx: Transaction, partition: string, oldest: string) => Promise<boolean>;
  /** Instead of removing all rows of the default partition that are before that bound. */
  readonly removeRest?: (sql: Database, before: string) => Promise<void>;
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
  readonly partition: string;
  readonly from: string;
  readonly to: string;
}

/**
 * Safe to call at any time, by any number of processes: one acts, the others have nothing to do.
 * Another time than now is for tests.
 */
export async function keepDays(sql: Database, kept: DayTable, at?: Date): Promise<void> {
  const wanted = await daysOf(sql, kept, at);
  const [oldest, ahead] = [wanted[0]!, wanted.slice(kept.keepDays)];
  await changeDays(sql, kept, async (tx, there) => {
    const [today, ...later] = ahead;
    const first =
      kept.beginsNow && there.length === 0 ? { ...today!, from: await now(tx) } : today!;
    for (const day of [first, ...later])
      if (!there.includes(day.partition)) await addDay(tx, kept, day);
  });
  // Each in a transaction of its own: nobody waits for more than one.
  for (const partition of await partitionsOf(sql, kept.table))
    if (partition < oldest.partition)
      await changeDays(sql, kept, async (tx, there) => {
        if (!there.includes(partition)) return;
        if ((await kept.beforeDrop?.(tx, partition, oldest.from)) === false) return;
        await tx.unsafe(`drop table relink."${partition}"`);
      });
  await (kept.removeRest?.(sql, oldest.from) ?? removeRest(sql, kept, oldest.from));
}

async function changeDays(
  sql: Database,
  { table }: DayTable,
  change: (tx: Transaction, there: readonly string[]) => Promise<void>,
): Promise<void> {
  await sql.begin(async (tx) => {
    await tx.unsafe(`set local lock_timeout = '${LOCK_TIMEOUT}'`);
    const [lock] = await tx<{ isMine: boolean }[]>`
      select pg_try_advisory_xact_lock(${UPKEEP_LOCK_NAMESPACE}, hashtext(${table})) as "isMine"`;
    if (lock!.isMine) await change(tx, await partitionsOf(tx, table));
  });
}

/** Those of a day, oldest first. */
async function partitionsOf(sql: Database | Transaction, table: string): Promise<string[]> {
  const rows = await sql<{ name: string }[]>`
    select c.relname as name from pg_inherits i join pg_class c on c.oid = i.inhrelid
    where i.inhparent = ${`relink.${table}`}::regclass and c.relname ~ '_[0-9]{8}$' order by 1`;
  return rows.map(({ name }) => name);
}

async function daysOf(
  sql: Database,
  { table, keepDays, boundAt = (time) => time }: DayTable,
  at: Date | undefined,
): Promise<Day[]> {
  const days = await sql<Day[]>`
    select ${table}::text || to_char(d, '_YYYYMMDD') as partition,
      to_char(d, 'YYYY-MM-DD"T00:00Z"') as from, to_char(d + 1, 'YYYY-MM-DD"T00:00Z"') as to
    from (select (coalesce(${at ?? null}::timestamptz, now()) at time zone 'UTC')::date + n as d
      from generate_series(${-keepDays}::int, ${DAYS_AHEAD}::int) n) days order by d`;
  const bound = (time: string) => boundAt(`'${time}'`);
  return days.map(({ partition, from, to }) => ({ partition, from: bound(from), to: bound(to) }));
}

/** As SQL. */
async function now(tx: Transaction): Promise<string> {
  const [row] = await tx<{ at: string }[]>`select clock_timestamp()::text as at`;
  return `'${row!.at}'`;
}

/** Made beside the table and then attached, which nobody who uses the table has to wait for. */
async function addDay(tx: Transaction, { table, column }: DayTable, day: Day): Promise<void> {
  const { partition, from, to } = day;
  const [rest] = await tx.unsafe(`
    select from relink."${table}_rest" where "${column}" >= ${from} and "${column}" < ${to} limit 1`);
  if (rest) return;
  await tx.unsafe(`
    create table relink."${partition}" (like relink."${table}" including defaults);
    alter table relink."${table}" attach partition relink."${partition}"
      for values from (${from}) to (${to})`);
}

async function removeRest(sql: Database, { table, column }: DayTable, before: string) {
  await sql.unsafe(`
    delete from relink."${table}_rest" where ctid = any(array(
      select ctid from relink."${table}_rest" where "${column}" < ${before} limit ${REST_AT_ONCE}))`);
}

/** Since when the table is whole, in Unix milliseconds; 0 while it has no partition of a day. */
export async function keptSince(sql: Database, table: string): Promise<number> {
  const [row] = await sql<{ since: number | null }[]>`
    select extract(epoch from min(substring(pg_get_expr(c.relpartbound, c.oid)
      from $$FROM \\('([^']+)'$$)::timestamptz))::float8 * 1000 as since
    from pg_inherits i join pg_class c on c.oid = i.inhrelid
    where i.inhparent = ${`relink.${table}`}::regclass and c.relname ~ '_[0-9]{8}$'`;
  return Math.ceil(row!.since ?? 0);
}
