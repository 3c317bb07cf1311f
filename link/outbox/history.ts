/**
 * Messages of functional links that receipts closed, for as long as the service keeps them. When a
 * consumer's database went back in time, what it lost is sent again from here: formal links have the
 * owner's rows for that, functional ones have nothing else.
 */
import { randomUUIDv7 } from 'node:crypto';
import { declareFailpoints, failpoint } from '../../runtime/failpoints.ts';
import type { Database } from '../../runtime/postgres.ts';

declareFailpoints('history.before-commit', 'history.after-commit');

/** A part of the statement that closes rows: those that it settled become history. */
export function keepSettled(sql: Database) {
  return sql`kept as (insert into relink.history (leg, event_id, lane, key, version, event,
      event_version, body, traceparent, created_at, epoch, hash, hashed_version)
    select leg, event_id, lane, key, version, event, event_version, body, traceparent, created_at,
      epoch, hash, hashed_version from settled),`;
}

export interface ClosedMessage {
  readonly eventId: string;
  readonly lane: number;
  readonly key: string;
  readonly version: bigint;
  readonly event: string;
  readonly epoch: bigint;
  readonly hash: bigint;
  readonly hashedVersion: number;
  readonly closedAt: Date;
}

export interface HistoryPage {
  /** Closed since then; Unix milliseconds. */
  readonly sinceMs: number;
  /** Only these lanes. */
  readonly lanes: readonly number[];
  /** The last id of the page before; empty to begin. */
  readonly afterId: string;
  readonly limit: number;
}

/** A page of a leg's history in the order of event ids, which is that of writing. */
export function readHistory(
  sql: Database,
  leg: string,
  { sinceMs, lanes, afterId, limit }: HistoryPage,
): Promise<ClosedMessage[]> {
  return sql<ClosedMessage[]>`
    select event_id as "eventId", lane, key, version, event, epoch, hash,
      hashed_version as "hashedVersion", closed_at as "closedAt"
    from relink.history
    where leg = ${leg} and closed_at >= to_timestamp(${sinceMs}::float8 / 1000)
      and lane = any(${lanes as number[]}::int2[])
      and (${afterId} = '' or event_id > nullif(${afterId}, '')::uuid)
    order by event_id limit ${limit}`;
}

/** Of these messages, those of the leg that are open or closed here. */
export async function findKnown(
  sql: Database,
  leg: string,
  eventIds: readonly string[],
): Promise<Set<string>> {
  const rows = await sql<{ id: string }[]>`
    select event_id as id from relink.outbox
    where leg = ${leg} and event_id = any(${eventIds as string[]}::uuid[])
    union all select event_id from relink.history
    where leg = ${leg} and event_id = any(${eventIds as string[]}::uuid[])`;
  return new Set(rows.map(({ id }) => id));
}

export interface Place {
  readonly key: string;
  readonly version: bigint;
}

/** Of these places, those of open messages of the leg. */
export async function findOpen(
  sql: Database,
  leg: string,
  places: readonly Place[],
): Promise<Place[]> {
  if (places.length === 0) return [];
  return sql<Place[]>`
    select o.key, o.version from relink.outbox o
    join unnest(${places.map(({ key }) => key)}::text[],
      ${places.map(({ version }) => String(version))}::int8[]) w(key, version)
      on w.key = o.key and w.version = o.version
    where o.leg = ${leg}`;
}

/** A message that is open again. */
export interface Reopened {
  readonly eventId: string;
  readonly key: string;
}

/**
 * Opens closed messages again, under the ids and versions that they had: they go by the route of now.
 * What `closed` counted of them is taken back in the same statement, so that the next receipt counts
 * them once. Taking a row out of the history decides who sends it again, however many ask. Answers
 * which were opened.
 */
export async function reopen(
  sql: Database,
  leg: string,
  eventIds: readonly string[],
  actor: string,
): Promise<Reopened[]> {
  const ids = [...new Set(eventIds)];
  const opened = await sql.begin(async (tx) => {
    const rows = await tx<Reopened[]>`
      with taken as (delete from relink.history
          where leg = ${leg} and event_id = any(${ids}::uuid[]) returning *),
        counted as (select lane, epoch, count(*) as count, sum(hash) as sum from taken
          group by lane, epoch),
        uncounted as (update relink.closed c set count = c.count - t.count, sum = c.sum - t.sum
          from counted t where c.leg = ${leg} and c.lane = t.lane and c.epoch = t.epoch),
        recorded as (insert into relink.repairs (id, leg, event_id, key, version, epoch, actor)
          select r.id, leg, event_id, key, version, epoch, ${actor} from taken
          join unnest(${ids}::uuid[], ${ids.map(() => randomUUIDv7())}::uuid[]) r(event_id, id)
          using (event_id))
      insert into relink.outbox
        (leg, lane, key, version, event, event_version, event_id, body, traceparent)
      select leg, lane, key, version, event, event_version, event_id, body, traceparent
      from taken order by key, version returning event_id as "eventId", key`;
    await failpoint('history.before-commit');
    return [...rows];
  });
  await failpoint('history.after-commit');
  return opened;
}
