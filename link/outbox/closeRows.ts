/**
 * The one statement that closes outbox rows: it removes them and adds them to the digest that
 * certificates are made from, and of functional links moves them to the history (see history.ts).
 * Called for a consumer's receipt, and for rows that `pull` leaves undelivered (see closer.ts).
 */
import type { Database } from '../../runtime/postgres.ts';
import { keepSettled } from './history.ts';

/** The epoch of rows closed without delivery; no digest counts them. */
export const NOT_DELIVERED = 0n;

/**
 * A row to close, and what the certificate adds up. A row is its event: after a fail-over to a
 * server that lacks the last writes its number may belong to another one.
 */
export interface ClosingRow {
  readonly seq: number;
  readonly eventId: string;
  /** The epoch under which the consumer settled it, or NOT_DELIVERED. */
  readonly epoch: bigint;
  readonly hash: bigint;
  /** The contract version whose text was hashed. */
  readonly hashedVersion: number;
  /** The consumer keeps it as a dead letter. */
  readonly isDead?: boolean;
}

/** The rows of one leg to close in one batch. All lanes must be owned under the terms given. */
export interface Closing {
  readonly leg: string;
  readonly rows: readonly ClosingRow[];
  /** The lanes of these rows with the fencing term each is owned under. */
  readonly terms: ReadonlyMap<number, bigint>;
  /** Whether they go to the history. */
  readonly isKept: boolean;
}

export interface ClosedRows {
  /**
   * Whether every lane was still owned under its term; if so, none of the rows is open any more.
   */
  readonly isOwned: boolean;
  readonly removed: number;
}

/**
 * Keeps the term of its lanes as it is until it has ended, and lets their leases be renewed meanwhile
 * (see `lanes_term` in db/link/producer.ts): it may have to wait for a row that somebody else locked.
 *
 * Removes closed rows and adds them to the epoch's digest in one statement, only if every lane is
 * still owned under its term. The digest counts exactly the rows that this statement removed: a row
 * already closed by a statement whose response was lost is not counted twice, and a row that
 * somebody else removed is missing, so the certificate cannot come out equal. A row that is in the
 * batch twice is removed, and so returned, once.
 *
 * There is no join that a planner could do the wrong way round: rows are found by their numbers, in the
 * order of the index, so that statements that overlap cannot deadlock, and of each the place in the batch
 * by a search in its sorted ids. Plans are kept, and one made for single rows took 57 ms for 500.
 */
export async function closeRows(
  sql: Database,
  owner: { link: string; instance: string },
  closing: Closing,
): Promise<ClosedRows> {
  const lanes = [...closing.terms.keys()];
  const terms = [...closing.terms.values()].map(String);
  const rows = closing.rows.toSorted((one, other) => (one.eventId < other.eventId ? -1 : 1));
  const givenUp = rows.filter((one) => one.isDead).map((one) => one.eventId);
  const [row] = await sql<ClosedRows[]>`
    with mine as (select l.lane from relink.lanes l
        join unnest(${lanes}::int2[], ${terms}::int8[]) t(lane, term) using (lane, term)
        where l.link = ${owner.link} and l.owner = ${owner.instance}
        order by l.lane for key share of l),
      given as materialized (select ${listOf(rows, (one) => one.seq)}::int8[] as seqs,
        ${listOf(rows, (one) => one.eventId)}::uuid[] as ids,
        ${listOf(rows, (one) => one.epoch)}::int8[] as epochs,
        ${listOf(rows, (one) => one.hash)}::int8[] as hashes,
        ${listOf(rows, (one) => one.hashedVersion)}::int2[] as versions),
      removed as (delete from relink.outbox
        where leg = ${closing.leg} and seq = any((select seqs from given)::int8[])
          and event_id = (select ids from given)[width_bucket(event_id, (select ids from given))]
          and (select count(*) from mine) = ${lanes.length}
        returning ${closing.isKept ? sql`*` : sql`lane, event_id`},
          width_bucket(event_id, (select ids from given)) as nth),
      gone as (select removed.*, epochs[nth] as epoch, hashes[nth] as hash,
        versions[nth] as hashed_version from removed, given),
      settled as (select * from gone where epoch <> ${NOT_DELIVERED}),
      ${closing.isKept ? keepSettled(sql) : sql``}
      ${givenUp.length > 0 ? noteGivenUp(sql, closing.leg, givenUp) : sql``}
      summed as (insert into relink.closed (leg, lane, epoch, count, sum)
        select ${closing.leg}, lane, epoch, count(*), sum(hash) from settled group by lane, epoch
        on conflict (leg, lane, epoch) do update
        set count = closed.count + excluded.count, sum = closed.sum + excluded.sum)
    select (select count(*) from mine) = ${lanes.length} as "isOwned",
      count(*)::int as removed from gone`;
  return row!;
}

/** An array as PostgreSQL reads it, of what needs no quotes: a third of what the driver's way costs. */
function listOf(
  rows: readonly ClosingRow[],
  pick: (row: ClosingRow) => number | bigint | string,
): string {
  return `{${rows.map(pick).join()}}`;
}

/** In the statement that removes the rows: whoever sees that one is gone sees why, too. */
function noteGivenUp(sql: Database, leg: string, eventIds: readonly string[]) {
  return sql`
      noted as (insert into relink.given_up (leg, event_id)
        select ${leg}, event_id from gone where event_id = any(${eventIds as string[]}::uuid[])
        on conflict do nothing),
      forgotten as (delete from relink.given_up where at < now() - interval '1 hour'),`;
}
