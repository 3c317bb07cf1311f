/**
 * Whose value a consumer of a `pull` link uses, lane by lane: a row in its database, read in the
 * transaction that uses the value, so that every process changes over at once.
 */
import type { Database, Transaction } from '../../runtime/postgres.ts';
import { ALL_LANES, type LinkDefinition, laneOf } from '../link.ts';

/**
 * - `replica`: the replica's value
 * - `compared`: the replica's value; the owner is asked as well and both are compared
 * - `owner`: the owner's value, asked for when it is needed
 */
export type Reading = 'replica' | 'compared' | 'owner';

/** Links that start as `pull` ask the owner from the first day. */
export async function prepareReadings(
  sql: Database,
  links: readonly LinkDefinition[],
): Promise<void> {
  for (const { id, starts, transports } of links) {
    if (!transports.includes('pull')) continue;
    await sql`insert into relink.readings (link, lane, reading)
      select ${id}, lane, ${starts.transport === 'pull' ? 'owner' : 'replica'}
      from unnest(${ALL_LANES as number[]}::int2[]) lane on conflict do nothing`;
  }
}

export async function readReading(tx: Transaction, link: string, key: string): Promise<Reading> {
  const [row] = await tx<{ reading: Reading }[]>`
    select reading from relink.readings where link = ${link} and lane = ${laneOf(key)}`;
  return row?.reading ?? 'replica';
}

export async function readReadings(sql: Database, link: string): Promise<Map<number, Reading>> {
  const rows = await sql<{ lane: number; reading: Reading }[]>`
    select lane, reading from relink.readings where link = ${link} order by lane`;
  return new Map(rows.map(({ lane, reading }) => [lane, reading]));
}

export async function setReading(
  sql: Database,
  link: string,
  lanes: readonly number[],
  reading: Reading,
): Promise<void> {
  await sql`insert into relink.readings (link, lane, reading)
    select ${link}, lane, ${reading} from unnest(${lanes as number[]}::int2[]) lane
    on conflict (link, lane) do update set reading = excluded.reading`;
}
