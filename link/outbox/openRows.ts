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
}

export interface OpenRows {
  readonly rows: OutboxRow[];
  /** Numbers of open rows before the tail, by leg. */
  readonly before: Map<string, number[]>;
}

/**
 * How many numbers before the tail to look at again: more than the transactions in progress can
 * hold.
 */
export const GAP_MARGIN = 1_024;

/** Reads open rows, per leg and in sequence order. */
export async function readOpen(sql: Database, orders: readonly ReadOrder[]): Promise<OpenRows> {
  const reach = orders.map((order) => Math.max(0, order.tail - GAP_MARGIN));
  const rows = await sql<(OutboxRow & { before: string | null })[]>`
    with wanted as (select * from unnest(
      ${orders.map((o) => o.leg)}::text[], ${orders.map((o) => o.tail)}::int8[],
      ${reach}::int8[], ${orders.map((o) => o.laneMask)}::int4[],
      ${orders.map((o) => o.limit)}::int4[]) w(leg, tail, reach, mask, lim))
    select o.leg, o.seq::float8 as seq, o.lane, o.key, o.version, o.event,
      o.event_version as "eventVersion", o.event_id as "eventId", o.body, o.traceparent,
      extract(epoch from clock_timestamp() - o.created_at)::float8 * 1000 as "ageMs",
      null as before
    from wanted w, lateral (select * from relink.outbox
      where leg = w.leg and seq > w.tail and (w.mask >> lane) & 1 = 1 order by seq limit w.lim) o
    union all
    select w.leg, null, null, null, null, null, null, null, null, null, null,
      (select string_agg(seq::text, ',') from relink.outbox
       where leg = w.leg and seq > w.reach and seq <= w.tail and (w.mask >> lane) & 1 = 1)
    from wanted w`;
  const before = new Map<string, number[]>();
  const open: OutboxRow[] = [];
  for (const row of rows)
    if (row.seq !== null) open.push(row);
    else before.set(row.leg, row.before ? row.before.split(',').map(Number) : []);
  return { rows: open, before };
}

/** The open rows of these lanes up to the tail. */
export async function readIds(
  sql: Database,
  { leg, tail, laneMask }: Pick<ReadOrder, 'leg' | 'tail' | 'laneMask'>,
): Promise<RowId[]> {
  return sql<RowId[]>`
    select seq::float8 as seq, event_id as "eventId" from relink.outbox
    where leg = ${leg} and seq <= ${tail} and (${laneMask}::int4 >> lane) & 1 = 1 order by seq`;
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
      extract(epoch from clock_timestamp() - created_at)::float8 * 1000 as "ageMs"
    from relink.outbox where leg = ${leg} and seq = any(${seqs as number[]}::int8[]) order by seq`;
}
