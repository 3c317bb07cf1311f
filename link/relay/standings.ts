/**
 * The state of a leg's lanes in the producer's database: their routes, and the open rows that older
 * routes still carry.
 */
import type { Database } from '../../runtime/postgres.ts';
import { type LaneRoute, readRoutes } from './routes.ts';

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

/** The newest epoch of a link, over all its legs. */
export async function readEpoch(sql: Database, link: string): Promise<bigint> {
  const [row] = await sql<{ epoch: bigint }[]>`
    select epoch from relink.links where link = ${link}`;
  return row!.epoch;
}
