/**
 * Routes and epochs in the producer's database. A change takes the link's next epoch by
 * compare-and-set; the lane's owner adopts it when nothing is in flight by the old route (or at
 * once, when the operator chose not to hold). At most two epochs of a lane are alive: a lane whose
 * change is not adopted yet refuses another one. Going back is a new, higher epoch.
 */
import type { Database } from '../../runtime/postgres.ts';
import { LinkError } from '../errors.ts';
import { ALL_LANES, type LinkDefinition, legOf, legsOf, type Transport } from '../link.ts';
import { readsOf, versionsOf } from '../versions.ts';

export interface Route {
  readonly transport: Transport;
  readonly version: number;
  readonly epoch: bigint;
}

export interface LaneRoute extends Route {
  readonly leg: string;
  readonly lane: number;
  readonly hold: boolean;
  /** The route that the lane's owner dispatches by. */
  readonly adopted: Route;
  readonly carriedThrough: number;
  /** The path that carries copies beside the route. */
  readonly shadow: Transport | null;
}

/** The first epoch of every link: the route the map declares. */
const FIRST_EPOCH = 1;

/**
 * Creates the routes of links that are new in this database, as the map declares them.
 * @throws LinkError NO_TRANSPORT when a route names a version that the map no longer lists
 */
export async function prepareRoutes(
  sql: Database,
  links: readonly LinkDefinition[],
): Promise<void> {
  for (const link of links) {
    const { transport, version } = link.starts;
    await sql`insert into relink.links (link, epoch) values (${link.id}, ${FIRST_EPOCH})
      on conflict do nothing`;
    await sql`
      insert into relink.routes (leg, lane, transport, version, epoch,
        adopted_transport, adopted_version, adopted_epoch)
      select leg, lane, ${transport}, ${version}, ${FIRST_EPOCH},
        ${transport}, ${version}, ${FIRST_EPOCH}
      from unnest(${legsOf(link)}::text[]) leg, unnest(${ALL_LANES as number[]}::int2[]) lane
      on conflict do nothing`;
    await requireListedVersions(sql, link);
  }
}

/** Messages of such a route could never be sent: the process must not start and retry forever. */
async function requireListedVersions(sql: Database, link: LinkDefinition): Promise<void> {
  const listed = versionsOf(link).filter((version) => version <= readsOf(link));
  // What a lane still dispatches by counts as well as what it shall adopt.
  const [route] = await sql<{ leg: string; version: number }[]>`
    select leg, used.version from relink.routes,
      unnest(array[version, adopted_version]) used(version)
    where leg = any(${legsOf(link)}::text[]) and used.version <> all(${listed}::int2[]) limit 1`;
  if (!route) return;
  const { leg, version } = route;
  throw new LinkError(
    'NO_TRANSPORT',
    `${leg} is routed at version ${version}, which this build does not read; start one that does, or move the link to one of ${listed.join(', ')} first`,
  );
}

/** The revision of every link's routes; it grows with each change, so polling is one small read. */
export async function readRevisions(
  sql: Database,
  links: readonly string[],
): Promise<Map<string, bigint>> {
  const rows = await sql<{ link: string; revision: bigint }[]>`
    select link, revision from relink.links where link = any(${links as string[]})`;
  return new Map(rows.map((row) => [row.link, row.revision]));
}

/** The routes of a leg, by lane. */
export async function readRoutes(sql: Database, leg: string): Promise<LaneRoute[]> {
  const rows = await sql<RouteRow[]>`
    select leg, lane, transport, version, epoch, hold, adopted_transport, adopted_version,
      adopted_epoch, carried_through::float8 as carried_through, shadow
    from relink.routes where leg = ${leg} order by lane`;
  return rows.map((row) => ({
    leg: row.leg,
    lane: row.lane,
    transport: row.transport,
    version: row.version,
    epoch: row.epoch,
    hold: row.hold,
    adopted: {
      transport: row.adopted_transport,
      version: row.adopted_version,
      epoch: row.adopted_epoch,
    },
    carriedThrough: row.carried_through,
    shadow: row.shadow,
  }));
}

export interface RouteChange {
  readonly link: LinkDefinition;
  readonly consumer: string;
  readonly lanes: readonly number[];
  readonly transport: Transport;
  readonly version: number;
  /** The highest epoch the caller knows of the named lanes. */
  readonly expectedEpoch: bigint;
  /** Hold new messages until everything in flight by the old route is closed (strict order). */
  readonly hold: boolean;
  /** The highest epoch that was ever used, as far as others know; this database may have gone back. */
  readonly aboveEpoch?: bigint;
  /** A lane below it gets a new epoch even if it has the route. */
  readonly fence?: bigint;
}

/**
 * Gives the lanes a new route and returns its epoch. Repeating a change that the lanes already have
 * (after a lost response) changes nothing and returns the epoch they have.
 * @throws LinkError ROUTE_CHANGED a lane has a newer epoch than expected; ROUTE_PENDING a lane has
 *   not adopted its last change; NOT_MOVABLE; UNKNOWN_CONSUMER
 */
export async function changeRoute(sql: Database, change: RouteChange): Promise<bigint> {
  refuseUnmovable(change);
  const { aboveEpoch = 0n, fence = 0n } = change;
  const leg = legOf(change.link.id, change.consumer);
  return sql.begin(async (tx) => {
    await tx`select from relink.links where link = ${change.link.id} for update`;
    const lanes = await tx<{ epoch: bigint; adopted_epoch: bigint; is_same: boolean }[]>`
      select epoch, adopted_epoch,
        transport = ${change.transport} and version = ${change.version} and epoch >= ${fence} as is_same
      from relink.routes where leg = ${leg} and lane = any(${change.lanes as number[]})
      order by epoch desc`;
    const newest = lanes[0]?.epoch ?? 0n;
    if (lanes.every((lane) => lane.is_same)) return newest;
    if (newest > change.expectedEpoch)
      throw new LinkError(
        'ROUTE_CHANGED',
        `${leg} is at epoch ${newest}, not ${change.expectedEpoch}; read the routes again`,
      );
    if (lanes.some((lane) => lane.adopted_epoch < lane.epoch))
      throw new LinkError(
        'ROUTE_PENDING',
        `${leg} has not adopted its last route change yet; wait, or release the hold`,
      );
    const [{ epoch } = { epoch: 0n }] = await tx<{ epoch: bigint }[]>`
      update relink.links set epoch = greatest(epoch, ${String(aboveEpoch)}::int8) + 1,
        revision = revision + 1
      where link = ${change.link.id} returning epoch`;
    await tx`
      update relink.routes set transport = ${change.transport}, version = ${change.version},
        epoch = ${epoch}, hold = ${change.hold}, changed_at = clock_timestamp()
      where leg = ${leg} and lane = any(${change.lanes as number[]})
        and not (transport = ${change.transport} and version = ${change.version} and epoch >= ${fence})`;
    return epoch;
  }) as Promise<bigint>;
}

function refuseUnmovable({ link, consumer, transport, version }: RouteChange): void {
  if (!link.consumers[consumer])
    throw new LinkError('UNKNOWN_CONSUMER', `${link.id} has no consumer ${consumer}`);
  if (link.immovableReason) throw new LinkError('NOT_MOVABLE', link.immovableReason);
  requireRoute(link, transport, version);
}

/** @throws LinkError NOT_MOVABLE when this build cannot send by such a route */
export function requireRoute(link: LinkDefinition, transport: Transport, version: number): void {
  if (!link.transports.includes(transport))
    throw new LinkError(
      'NOT_MOVABLE',
      `${link.id} can be moved to ${link.transports.join(', ')}, not to ${transport}`,
    );
  if (!versionsOf(link).includes(version))
    throw new LinkError('NOT_MOVABLE', `${link.id} has no contract version ${version}`);
  if (version > readsOf(link))
    throw new LinkError(
      'NOT_MOVABLE',
      `this build of ${link.producer} does not read v${version} yet`,
    );
}

/**
 * Lets a pending change of the leg proceed without waiting for the old route. Returns the number of
 * lanes.
 */
export async function releaseHold(
  sql: Database,
  link: string,
  leg: string,
  epoch: bigint,
): Promise<number> {
  return sql.begin(async (tx) => {
    const rows = await tx`update relink.routes set hold = false
      where leg = ${leg} and epoch = ${epoch} and adopted_epoch < epoch and hold returning lane`;
    await tx`update relink.links set revision = revision + 1 where link = ${link}`;
    return rows.length;
  }) as Promise<number>;
}

/**
 * Gives lanes whose consumer refuses their epoch a new one above it, on the route that they have: the
 * database of the producer went back to a state before newer epochs. A change that is pending there is
 * not waited for, because what is in flight by the old route will never be accepted. By compare-and-set:
 * lanes that have got further meanwhile stay as they are. Returns the epoch, or undefined if there are
 * none left.
 */
export async function catchUp(
  sql: Database,
  link: string,
  leg: string,
  minEpochs: ReadonlyMap<number, bigint>,
): Promise<bigint | undefined> {
  const lanes = [...minEpochs.keys()];
  const mins = [...minEpochs.values()].map(String);
  return sql.begin(async (tx) => {
    await tx`select from relink.links where link = ${link} for update`;
    const [next] = await tx<{ epoch: bigint }[]>`
      select greatest(epoch, (select max(min) from unnest(${mins}::int8[]) min)) + 1 as epoch
      from relink.links where link = ${link}`;
    const { epoch } = next!;
    const rows = await tx`
      update relink.routes r set epoch = case when epoch < min then ${epoch}::int8 else epoch end,
        hold = false, changed_at = clock_timestamp()
      from unnest(${lanes}::int2[], ${mins}::int8[]) f(refused, min)
      where leg = ${leg} and lane = refused and adopted_epoch < min returning 1`;
    if (rows.length === 0) return undefined;
    await tx`update relink.links set epoch = ${epoch}, revision = revision + 1
      where link = ${link}`;
    return epoch;
  }) as Promise<bigint | undefined>;
}

/** Starts or stops carrying copies of the leg's messages on a second path. */
export async function setShadow(
  sql: Database,
  link: string,
  leg: string,
  shadow: Transport | null,
): Promise<void> {
  await sql.begin(async (tx) => {
    await tx`update relink.routes set shadow = ${shadow} where leg = ${leg}`;
    await tx`update relink.links set revision = revision + 1 where link = ${link}`;
  });
}

/**
 * Adopts the pending route of one lane, conditional on the owner's fencing term. Rows of the old
 * route that stay open (messages parked at the consumer; everything, when it does not hold) are
 * carried over: the old epoch is not drained before they are closed. Returns the last row that the
 * lane carries; undefined when it was not adopted because the term or the change is outdated.
 */
export async function adoptRoute(
  sql: Database,
  route: LaneRoute,
  owner: { link: string; instance: string; term: bigint; parkedThrough: number },
): Promise<number | undefined> {
  const [row] = await sql<{ carried: number }[]>`
    with mine as (select 1 from relink.lanes where link = ${owner.link} and lane = ${route.lane}
      and owner = ${owner.instance} and term = ${owner.term} for key share)
    update relink.routes r set adopted_transport = transport, adopted_version = version,
      adopted_epoch = epoch,
      carried_through = greatest(carried_through, ${owner.parkedThrough}, case when not hold then
        (select max(seq) from relink.outbox where leg = r.leg and lane = r.lane) end)
    where leg = ${route.leg} and lane = ${route.lane} and epoch = ${route.epoch}
      and adopted_epoch < epoch and exists (select from mine)
    returning carried_through::float8 as carried`;
  return row?.carried;
}

interface RouteRow {
  leg: string;
  lane: number;
  transport: Transport;
  version: number;
  epoch: bigint;
  hold: boolean;
  adopted_transport: Transport;
  adopted_version: number;
  adopted_epoch: bigint;
  carried_through: number;
  shadow: Transport | null;
}
