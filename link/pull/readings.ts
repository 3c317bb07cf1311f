/**
 * Whose value a consumer of a `pull` link uses, lane by lane: a row in its database, read in the
 * transaction that uses the value, so that every process switches at once.
 */
import type { Database, Transaction } from '../../runtime/postgres.ts';
import { LinkError } from '../errors.ts';
import { ALL_LANES, type LinkDefinition, laneOf } from '../link.ts';

/**
 * - `replica`: the replica's value
 * - `compared`: the replica's value; the owner is asked as well and both are compared
 * - `owner`: the owner's value, asked for when it is needed
 */
export type Reading = 'replica' | 'compared' | 'owner';

/** Links that start as `pull` ask the owner from the start. */
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

export interface Readings {
  readonly lanes: ReadonlyMap<number, Reading>;
  /** Grows with every change. */
  readonly revision: number;
}

export async function readReadings(sql: Database | Transaction, link: string): Promise<Readings> {
  const rows = await sql<{ lane: number; reading: Reading; revision: number }[]>`
    select lane, reading, revision::float8 as revision from relink.readings where link = ${link} order by lane`;
  const newest = Math.max(0, ...rows.map(({ revision }) => revision));
  return { lanes: new Map(rows.map(({ lane, reading }) => [lane, reading])), revision: newest };
}

/** Reads the readings and keeps others from changing them until the transaction ends. */
export async function lockReadings(tx: Transaction, link: string): Promise<Readings> {
  await tx`select 1 from relink.readings where link = ${link} order by lane for update`;
  return readReadings(tx, link);
}

export interface ReadingChange {
  readonly link: string;
  readonly lanes: readonly number[];
  readonly reading: Reading;
  /** The revision the caller knows. */
  readonly expected: number;
}

/**
 * Changes what is read in these lanes and returns the new revision. Repeating a change (after a
 * lost response) changes nothing. Must be called in the transaction that read what the change
 * relies on.
 * @throws LinkError ROUTE_CHANGED when somebody else changed the readings in the meantime
 */
export async function changeReading(tx: Transaction, change: ReadingChange): Promise<number> {
  const { link, lanes, reading, expected } = change;
  const before = await lockReadings(tx, link);
  if (lanes.every((lane) => before.lanes.get(lane) === reading)) return before.revision;
  if (before.revision !== expected)
    throw new LinkError(
      'ROUTE_CHANGED',
      `the readings of ${link} are at revision ${before.revision}, not ${expected}; read them again`,
    );
  await tx`update relink.readings set reading = ${reading}, revision = ${expected + 1}
    where link = ${link} and lane = any(${lanes as number[]}::int2[])`;
  return expected + 1;
}
