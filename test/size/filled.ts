/** Fills tables with as many rows as years leave behind, by SQL: copies of one that the kit wrote. */
import { type LinkDefinition, legOf } from '../../link/link.ts';
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
