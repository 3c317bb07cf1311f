/**
 * The inbox by days. Event ids are UUIDv7, which begin with their time, so the ids of a day are a
 * range and a partition of their own.
 *
 * What is dropped after the horizon can no longer be told from what is new: from then on messages of
 * that age are refused (the trigger of `relink.inbox`, docs/decisions/0012). What is still open stays, and
 * so do ids that tell no time: they could come again at any time.
 */
import type { Database, Transaction } from '../../runtime/postgres.ts';
import type { DayTable } from '../upkeep/dayPartitions.ts';

/** How many days a consumer remembers what it settled, unless it is told otherwise. */
export const HORIZON_DAYS = 30;
/** The error of the trigger that refuses what may be a repeat. */
const PAST_HORIZON = 'RL001';
const FORGOTTEN_AT_ONCE = 5_000;
/** Rows of a day that are moved in one statement, while all others wait. */
const STAYING_AT_MOST = 5_000;
const NO_ID = '00000000-0000-0000-0000-000000000000';

export function inboxDays(horizonDays: number): DayTable {
  return {
    ...{ table: 'inbox', column: 'event_id', keepDays: horizonDays },
    boundAt: (time) => `relink.first_id(${time})`,
    beforeDrop: keepOpen,
    removeRest: forgetRest,
  };
}

/** Whether a message was refused because what was settled at the time of its id may be forgotten. */
export function isPastHorizon(error: unknown): boolean {
  return (error as { code?: string }).code === PAST_HORIZON;
}

/**
 * Moves what is to stay from a day that is dropped: what came late, until that, too, is before the
 * horizon. If that is much, the day stays as it is. What takes long comes first: until the day is
 * detached everybody may use the inbox.
 */
async function keepOpen(tx: Transaction, partition: string, oldest: string): Promise<boolean> {
  const day = tx`relink.${tx(partition)}`;
  const staying = await tx<{ id: string }[]>`
    select event_id as id from ${day} where not relink.has_time(event_id)
      or received_at >= relink.time_of(${tx.unsafe(oldest)}) limit ${STAYING_AT_MOST + 1}`;
  if (staying.length > STAYING_AT_MOST) return false;
  const [end] = await tx<{ id: string }[]>`
    select relink.first_id((to_date(right(${partition}, 8), 'YYYYMMDD') + 1)::timestamp
      at time zone 'UTC') as id`;
  await tx`alter table relink.inbox detach partition ${day}`;
  await tx`insert into relink.memory (kept_from) values (${end!.id})
    on conflict (is_only) do update set kept_from = greatest(memory.kept_from, excluded.kept_from)`;
  await tx`insert into relink.inbox_rest select * from ${day} where event_id in (
    select unnest(${staying.map(({ id }) => id)}::uuid[])
    union select event_id from relink.parked
    union select event_id from relink.dead_letters where state = 'dead')`;
  return true;
}

/**
 * Removes ids of no day, such as those of before there were any, once their time and their arrival are
 * before the bound.
 */
async function forgetRest(sql: Database, before: string): Promise<void> {
  const bound = sql.unsafe(before);
  for (let after = NO_ID; ; ) {
    const rows: { id: string }[] = await sql<{ id: string }[]>`
      with past as (
        select event_id from relink.inbox_rest i
        where event_id > ${after} and event_id < ${bound} and relink.has_time(event_id)
          and received_at < relink.time_of(${bound})
          and not exists (select from relink.parked p where p.event_id = i.event_id)
          and not exists (select from relink.dead_letters d
            where d.event_id = i.event_id and d.state = 'dead')
        order by event_id limit ${FORGOTTEN_AT_ONCE}),
      raised as (
        insert into relink.memory (kept_from) select ${bound} where exists (select from past)
        on conflict (is_only) do update
          set kept_from = greatest(memory.kept_from, excluded.kept_from)),
      gone as (
        delete from relink.inbox_rest where event_id in (select event_id from past))
      select event_id as id from past order by event_id`;
    if (rows.length < FORGOTTEN_AT_ONCE) return;
    after = rows.at(-1)!.id;
  }
}
