/** Fills tables with as many rows as years leave behind, by SQL: copies of one that the kit wrote. */
import { inboxDays } from '../../link/inbox/days.ts';
import { type LinkDefinition, legOf } from '../../link/link.ts';
import { type DayTable, keepDays } from '../../link/upkeep/dayPartitions.ts';
import type { Database } from '../../runtime/postgres.ts';

/** Rows of one statement: on a busy machine, too, far below the statement timeout of a connection. */
const AT_ONCE = 50_000;

/** Calls `fill` with the numbers of parts of `count`. */
export async function inParts(
  count: number,
  fill: (part: { from: number; to: number }) => Promise<unknown>,
): Promise<void> {
  for (let from = 1; from <= count; from += AT_ONCE)
    await fill({ from, to: Math.min(count, from + AT_ONCE - 1) });
}

/** Managers of the owner that no consumer has heard of. */
export async function fillManagers(sql: Database, count: number): Promise<void> {
  await inParts(
    count,
    ({ from, to }) => sql`
      insert into managers (id, version, first_name, last_name, created_at, updated_at)
      select uuidv7(), 1, 'Ada', 'Lovelace', now(), now()
      from generate_series(${from}::int, ${to}::int)`,
  );
}

/**
 * Open rows of a leg of COMM-010: copies of an open row of it under ids and keys of their own, each the
 * first version of a manager that the owner has, too.
 */
export async function fillOpen(
  sql: Database,
  { link, consumer }: { link: LinkDefinition; consumer: string },
  count: number,
): Promise<void> {
  const leg = legOf(link.id, consumer);
  await inParts(
    count,
    ({ from, to }) => sql`
      with pattern as (select * from relink.outbox where leg = ${leg} limit 1),
      fresh as materialized (select uuidv7() as event_id, uuidv7()::text as key
        from generate_series(${from}::int, ${to}::int)),
      owned as (insert into managers (id, version, first_name, last_name, created_at, updated_at)
        select key::uuid, 1, 'Ada', 'Lovelace', now(), now() from fresh)
      insert into relink.outbox (leg, lane, key, version, event, event_version, event_id, body)
      select leg, (crc32(convert_to(f.key, 'UTF8')) % 16)::int2, f.key, 1, event, event_version,
        f.event_id, replace(replace(body, p.event_id::text, f.event_id::text), p.key, f.key)
      from pattern p, fresh f`,
  );
}

/**
 * Open rows of a leg of a functional link: copies of one that was closed before, under ids and keys of
 * their own, each the first version of its key.
 */
export async function reopenCopies(sql: Database, leg: string, count: number): Promise<void> {
  await inParts(
    count,
    ({ from, to }) => sql`
      with pattern as (select * from relink.history where leg = ${leg} and version = 1
        order by event_id desc limit 1),
      fresh as materialized (select uuidv7() as event_id, uuidv7()::text as key
        from generate_series(${from}::int, ${to}::int))
      insert into relink.outbox (leg, lane, key, version, event, event_version, event_id, body)
      select leg, (crc32(convert_to(f.key, 'UTF8')) % 16)::int2, f.key, 1, event, event_version,
        f.event_id, replace(replace(body, p.event_id::text, f.event_id::text), p.key, f.key)
      from pattern p, fresh f`,
  );
}

/** Messages that a functional link carried in its first epoch, `days` long until now. */
export interface Carried {
  readonly link: LinkDefinition;
  readonly consumer: string;
  readonly count: number;
  readonly days: number;
  /** The last one came then. */
  readonly until: Date;
}

/** The event of a functional link, for rows that nobody reads. */
const EVENT = 'SolutionCompleted';
const BODY_BYTES = 310;
const DAYS_MADE_AT_ONCE = 8;
const DAY_MS = 24 * 60 * 60 * 1_000;

/** The `n`-th of all messages: the same at both sides, and in the order of time. */
const numbered = (
  sql: Database,
  { count, days, until }: Carried,
  part: { from: number; to: number },
) => sql`
  select n, at, key, (crc32(convert_to(key, 'UTF8')) % 16)::int2 as lane, hashtextextended(key, 0) as hash,
    (left(relink.first_id(at)::text, 14) || '7' || substr(md5(n::text), 1, 3) || '-8'
      || substr(md5(n::text), 4, 3) || '-' || right(md5(n::text), 12))::uuid as event_id
  from (select n, md5(n::text)::uuid::text as key,
      ${until.toISOString()}::timestamptz - ${days} * interval '1 day' * ((${count} - n)::float8 / ${count}) as at
    from generate_series(${part.from}::int, ${part.to}::int) n) made`;

async function makeDays(sql: Database, table: DayTable, { days, until }: Carried): Promise<void> {
  for (let back = days; back >= 0; back -= DAYS_MADE_AT_ONCE)
    await keepDays(sql, table, new Date(until.getTime() - back * DAY_MS));
}

/** The consumer's side: the inbox, by the days of the ids. */
export async function fillInbox(sql: Database, messages: Carried): Promise<void> {
  await makeDays(sql, inboxDays(messages.days), messages);
  await inParts(
    messages.count,
    (part) => sql`
      insert into relink.inbox (event_id, link, lane, epoch, key, version, event_version, hash, outcome,
        received_at)
      select event_id, ${messages.link.id}, lane, 1, key, 1, 0, hash, 'applied', at
      from (${numbered(sql, messages, part)}) c`,
  );
}

/** The producer's side: the history, by the days of closing, and the digest. */
export async function fillHistory(sql: Database, messages: Carried): Promise<void> {
  const leg = legOf(messages.link.id, messages.consumer);
  const table = { table: 'history', column: 'closed_at', keepDays: messages.days };
  await makeDays(sql, table, messages);
  await inParts(
    messages.count,
    (part) => sql`
      insert into relink.history (leg, event_id, lane, key, version, event, event_version, body,
        created_at, closed_at, epoch, hash, hashed_version)
      select ${leg}, event_id, lane, key, 1, ${EVENT}, 0, repeat('x', ${BODY_BYTES}), at, at, 1, hash, 0
      from (${numbered(sql, messages, part)}) c`,
  );
  await sql`
    insert into relink.closed (leg, lane, epoch, count, sum)
    select leg, lane, epoch, count(*), sum(hash) from relink.history where leg = ${leg} group by 1, 2, 3
    on conflict (leg, lane, epoch) do update
    set count = closed.count + excluded.count, sum = closed.sum + excluded.sum`;
}
