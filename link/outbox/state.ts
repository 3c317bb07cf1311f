/** The state of a leg in the outbox: its open rows, and the digests of its closed ones. */
import type { Database } from '../../runtime/postgres.ts';
import { DIGESTS_READ, type DigestPage, type EpochPage, wholeEpochs } from '../epochPages.ts';
import { laneOf } from '../link.ts';

/** Open versions of a key in one answer. */
const VERSIONS = 10_000;

export interface OpenRowsState {
  readonly open: number;
  readonly oldestMs: number;
  readonly unownedLanes: number;
}

/** More open rows than this are not counted: everybody who asks only wants to know that it is a lot. */
const COUNTED = 100_000;

/** Of the whole leg, or of these lanes. */
export async function readOpenState(
  sql: Database,
  link: string,
  leg: string,
  lanes: readonly number[] = [],
): Promise<OpenRowsState> {
  const [row] = await sql<{ open: number; oldest_ms: number; unowned: number }[]>`
    select count(*)::int as open,
      coalesce(extract(epoch from clock_timestamp() - min(created_at)) * 1000, 0)::float8
        as oldest_ms,
      (select count(*)::int from relink.lanes
       where link = ${link} and expires_at < clock_timestamp()) as unowned
    from (select created_at from relink.outbox where leg = ${leg}
      and (${lanes.length === 0} or lane = any(${lanes as number[]}::int2[]))
      order by seq limit ${COUNTED}) oldest`;
  return { open: row!.open, oldestMs: Math.max(0, row!.oldest_ms), unownedLanes: row!.unowned };
}

/** The versions of a key that are not settled yet, ascending. */
export async function readOpenVersions(sql: Database, leg: string, key: string): Promise<bigint[]> {
  const rows = await sql<{ version: bigint }[]>`
    select version from relink.outbox where leg = ${leg} and lane = ${laneOf(key)} and key = ${key}
    order by version limit ${VERSIONS}`;
  return rows.map(({ version }) => version);
}

export interface ClosedDigest {
  readonly lane: number;
  readonly epoch: bigint;
  readonly count: bigint;
  readonly sum: string;
}

/** A page of the digests of closed rows; with `epoch` 0, of every epoch that is kept. */
export async function readClosed(
  sql: Database,
  leg: string,
  { epoch, afterEpoch }: EpochPage,
): Promise<DigestPage<ClosedDigest>> {
  const rows = await sql<ClosedDigest[]>`
    select lane, epoch, count, sum::text as sum from relink.closed
    where leg = ${leg} and (${epoch} = 0 or epoch = ${epoch})
      and (${afterEpoch} = 0 or epoch > ${afterEpoch})
    order by epoch, lane limit ${DIGESTS_READ}`;
  return wholeEpochs(rows);
}
