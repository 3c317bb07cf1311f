/**
 * Reads open outbox rows in batches.
 *
 * Sequence order is not commit order, so the read has two parts in one snapshot: the rows after the
 * tail, and the numbers of open rows within GAP_MARGIN before it. A number there that the relay
 * does not know belongs to a transaction that committed late; its row is fetched before anything
 * newer of the batch is dispatched, which keeps the order per key. The sweep finds those that are
 * older still, and those whose number was another row's before: a row is its event.
 */
import type { Database } from '../../runtime/postgres.ts';

/** Which row it is: after a fail-over that lost writes a number may be given again. */
export interface RowId {
  readonly seq: number;
  readonly eventId: string;
}

/** One open outbox row. */
export interface OutboxRow extends RowId {
  readonly leg: string;
  readonly lane: number;
  readonly key: string;
  readonly version: bigint;
  readonly event: string;
  readonly eventVersion: number;
  readonly body: string;
  readonly traceparent: string | null;
  readonly ageMs: number;
}

/** What to read of one leg. */
export interface ReadOrder {
  readonly leg: string;
  /** Rows after this number. */
  readonly tail: number;
  /** Bit n is set when lane n is wanted. */
  readonly laneMask: number;
  readonly limit: number;
  /** No row is read after so many bytes of bodies; one at least is. */
  readonly bytes: number;
  /** The last number that is looked at. */
  readonly end: number;
}

/** What else a read tells of its order. */
export interface LegRead {
  /** Numbers of open rows before the tail. */
  readonly before: readonly number[];
  /** If there were no rows: up to here there are none. */
  readonly through: number;
  /** Whether numbers were given after those that were looked at. */
  readonly isMore: boolean;
}

export interface OpenRows extends LegRead {
  readonly rows: OutboxRow[];
}

/**
 * How many numbers before the tail to look at again: more than the transactions in progress can
 * hold.
 */
export const GAP_MARGIN = 1_024;

/**
 * How many numbers one statement looks at: of rows that are closed, the index keeps entries for as
 * long as any old snapshot lasts (a dump, a replication slot), and skipping them takes its time. So
 * many take some 10 ms.
 */
export const SPAN = 50_000;

/** Reads what each order asks for, in sequence order. */
export async function readOpen(
  sql: Database,
  orders: readonly ReadOrder[],
): Promise<readonly OpenRows[]> {
  const rows = await sql<(ReadRow | ReadEnd)[]>`
    with wanted as (select * from unnest(
      ${orders.map((o) => o.leg)}::text[], ${orders.map((o) => o.tail)}::int8[],
      ${orders.map((o) => o.end)}::int8[], ${orders.map((o) => o.laneMask)}::int4[],
      ${orders.map((o) => o.limit)}::int4[], ${orders.map((o) => o.bytes)}::int8[])
      with ordinality w(leg, tail, "end", mask, lim, bytes, nth)),
    given as materialized (select coalesce(pg_sequence_last_value(
      pg_get_serial_sequence('relink.outbox', 'seq')::regclass), 0) as last)
    select w.nth::int4 as nth, o.seq::float8 as seq, o.lane, o.key, o.version, o.event,
      o.event_version as "eventVersion", o.event_id as "eventId", o.body, o.traceparent,
      date_part('epoch', statement_timestamp() - o.created_at) * 1000 as "ageMs"
    from wanted w, lateral (select * from (
      select *, sum(octet_length(body)) over (order by seq rows unbounded preceding) as upto
      from (select * from relink.outbox
        where leg = w.leg and seq > w.tail and seq <= w."end" and (w.mask >> lane) & 1 = 1
        order by seq limit w.lim) first) summed
      where upto - octet_length(body) < w.bytes) o
    union all
    select w.nth::int4, null, null, null, null, null, null, null, jsonb_build_object(
      'before', (select string_agg(seq::text, ',') from relink.outbox
        where leg = w.leg and seq > w.tail - ${GAP_MARGIN} and seq <= w.tail
          and (w.mask >> lane) & 1 = 1),
      'isMore', w."end" < given.last,
      'through', case when w."end" < given.last then w."end" else coalesce((select max(seq)
        from relink.outbox where leg = w.leg and seq > w.tail and seq <= w."end"), w.tail) end)::text,
      null, null
    from wanted w, given`;
  const reads: { rows: OutboxRow[]; end?: LegEnd }[] = orders.map(() => ({ rows: [] }));
  for (const row of rows) {
    const read = reads[row.nth - 1]!;
    if (row.seq === null) read.end = JSON.parse(row.body) as LegEnd;
    else read.rows.push(Object.assign(row, { leg: orders[row.nth - 1]!.leg }));
  }
  return reads.map(({ rows, end }) => ({ rows, ...end!, before: numbersIn(end!.before) }));
}

type ReadRow = Omit<OutboxRow, 'leg'> & { readonly nth: number };

/** What is read of an order beside its rows. */
interface ReadEnd {
  readonly nth: number;
  readonly seq: null;
  readonly body: string;
}

interface LegEnd extends Omit<LegRead, 'before'> {
  readonly before: string | null;
}

function numbersIn(text: string | null): number[] {
  return text ? text.split(',').map(Number) : [];
}

/** The open rows of these lanes after one number and up to another. */
export async function readIds(
  sql: Database,
  { leg, laneMask }: Pick<ReadOrder, 'leg' | 'laneMask'>,
  { after, through }: { after: number; through: number },
): Promise<(RowId & { readonly lane: number })[]> {
  return sql<(RowId & { readonly lane: number })[]>`
    select seq::float8 as seq, event_id as "eventId", lane from relink.outbox
    where leg = ${leg} and seq > ${after} and seq <= ${through}
      and (${laneMask}::int4 >> lane) & 1 = 1 order by seq`;
}

/** Fetches rows by number; rows closed in the meantime are missing. */
export async function readRows(
  sql: Database,
  leg: string,
  seqs: readonly number[],
): Promise<OutboxRow[]> {
  return sql<OutboxRow[]>`
    select leg, seq::float8 as seq, lane, key, version, event, event_version as "eventVersion",
      event_id as "eventId", body, traceparent,
      date_part('epoch', statement_timestamp() - created_at) * 1000 as "ageMs"
    from relink.outbox where leg = ${leg} and seq = any(${seqs as number[]}::int8[]) order by seq`;
}
