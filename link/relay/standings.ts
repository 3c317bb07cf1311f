/**
 * The state of a leg's lanes in the producer's database: their routes, and the open rows that older
 * routes still carry.
 */
import type { Database } from '../../runtime/postgres.ts';
import { type LaneRoute, readRoutes } from './routes.ts';

export interface LaneStanding extends LaneRoute {
  /** Open rows that an older route may have sent: of the leg, CARRIED_COUNTED at most are counted. */
  readonly carriedOpen: number;
}

/**
 * Everybody who asks wants to know whether there are any. A consumer that was down for days may have
 * millions; counting these takes seconds, and progress is asked for every second.
 */
const CARRIED_COUNTED = 5_000;

export async function readStandings(sql: Database, leg: string): Promise<LaneStanding[]> {
  const routes = await readRoutes(sql, leg);
  if (routes.every((route) => route.carriedThrough === 0))
    return routes.map((route) => ({ ...route, carriedOpen: 0 }));
  const carried = await sql<{ lane: number; open: number }[]>`
    select lane, count(*)::int as open from (
      select o.lane from relink.outbox o
      join relink.routes r on r.leg = o.leg and r.lane = o.lane and o.seq <= r.carried_through
      where o.leg = ${leg} and o.seq <= ${Math.max(...routes.map((one) => one.carriedThrough))}
      order by o.seq limit ${CARRIED_COUNTED}) first
    group by lane`;
  const openOf = new Map(carried.map((row) => [row.lane, row.open]));
  return routes.map((route) => ({ ...route, carriedOpen: openOf.get(route.lane) ?? 0 }));
}

/** The newest epoch of a link, over all its legs. */
export async function readEpoch(sql: Database, link: string): Promise<bigint> {
  const [row] = await sql<{ epoch: bigint }[]>`
    select epoch from relink.links where link = ${link}`;
  return row!.epoch;
}
