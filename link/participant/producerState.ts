/** What the producer's database says about a leg: what is open, what was closed, how lanes stand. */
import type { Database } from '../../runtime/postgres.ts';
import { type LaneRoute, readRoutes } from '../relay/routes.ts';

export interface LaneStanding extends LaneRoute {
  /** Open rows that an older route may have sent. */
  readonly carriedOpen: number;
}

export async function readStandings(sql: Database, leg: string): Promise<LaneStanding[]> {
  const routes = await readRoutes(sql, leg);
  if (routes.every((route) => route.carriedThrough === 0))
    return routes.map((route) => ({ ...route, carriedOpen: 0 }));
  const carried = await sql<{ lane: number; open: number }[]>`
    select r.lane, count(*)::int as open from relink.routes r
    join relink.outbox o on o.leg = r.leg and o.lane = r.lane and o.seq <= r.carried_through
    where r.leg = ${leg} group by r.lane`;
  const openOf = new Map(carried.map((row) => [row.lane, row.open]));
  return routes.map((route) => ({ ...route, carriedOpen: openOf.get(route.lane) ?? 0 }));
}

export interface OpenRowsState {
  readonly open: number;
  readonly oldestMs: number;
  readonly unownedLanes: number;
}

export async function readOpenState(
  sql: Database,
  link: string,
  leg: string,
): Promise<OpenRowsState> {
  const [row] = await sql<{ open: number; oldest_ms: number; unowned: number }[]>`
    select count(*)::int as open,
      coalesce(extract(epoch from clock_timestamp() - min(created_at)) * 1000, 0)::float8
        as oldest_ms,
      (select count(*)::int from relink.lanes
       where link = ${link} and expires_at < clock_timestamp()) as unowned
    from relink.outbox where leg = ${leg}`;
  return { open: row!.open, oldestMs: Math.max(0, row!.oldest_ms), unownedLanes: row!.unowned };
}

export interface ClosedDigest {
  readonly lane: number;
  readonly epoch: bigint;
  readonly count: bigint;
  readonly sum: string;
}

/** Digests of what receipts closed; `epoch` 0 for all that are kept. */
export async function readClosed(
  sql: Database,
  leg: string,
  epoch: bigint,
): Promise<ClosedDigest[]> {
  const rows = await sql<ClosedDigest[]>`
    select lane, epoch, count, sum::text as sum from relink.closed
    where leg = ${leg} and (${epoch} = 0 or epoch = ${epoch}) order by epoch, lane`;
  return [...rows];
}
