/**
 * Decides, lane by lane of one leg, whether a message may be dispatched now and by which route.
 *
 * A pending change closes the gate of its lane: nothing new goes out by the old route. The gate
 * opens under the new route once everything that may be in flight by the old one is closed (or at
 * once, when the change does not hold). Rows that an earlier owner of the lane may have sent count
 * as in flight, too: those up to the last number given when the lane was taken still go out by the
 * old route first.
 */

import { declareFailpoints, failpoint } from '../../runtime/failpoints.ts';
import type { Log } from '../../runtime/log.ts';
import type { Database } from '../../runtime/postgres.ts';
import type { Transport } from '../link.ts';
import type { Flight } from './flight.ts';
import type { OwnedLanes } from './lanes.ts';
import { adoptRoute, catchUp, type LaneRoute, type Route, readRoutes } from './routes.ts';
import type { LegWindow } from './window.ts';

declareFailpoints('relay.before-adopt', 'relay.after-adopt');

export interface LaneGateOptions {
  readonly sql: Database;
  readonly log: Log;
  readonly link: string;
  readonly leg: string;
  readonly instance: string;
  readonly owned: OwnedLanes;
  readonly window: LegWindow;
}

interface LaneState {
  readonly term: bigint;
  /** Rows up to here may have been sent by an earlier owner. */
  sentBeforeThrough: number;
}

export class LaneGate {
  readonly #options: LaneGateOptions;
  #routes: LaneRoute[] = [];
  #lanes = new Map<number, LaneState>();
  #closedSinceMs = new Map<number, number>();
  /** The adopted epoch of each lane, as `adopt` last reported it. */
  readonly #reported = new Map<number, bigint>();
  /** Lanes whose epoch the consumer refuses, with the lowest that it accepts. */
  readonly #minEpochs = new Map<number, bigint>();
  #isStale = true;
  /**
   * Reads of the routes so far: the result of an older, slower read must not replace a newer one.
   */
  #reads = 0;
  longestHoldMs = 0;

  constructor(options: LaneGateOptions) {
    this.#options = options;
  }

  /** The routes changed in the database. */
  invalidate(): void {
    this.#isStale = true;
  }

  owns(lane: number): boolean {
    return this.#lanes.has(lane);
  }

  /** Whether another relay has yet to adopt a route, which will raise no revision. */
  get isWaitingForOthers(): boolean {
    return this.#routes.some(
      ({ lane, epoch, adopted }) => epoch > adopted.epoch && !this.owns(lane),
    );
  }

  /** The adopted transport of a lane, whichever relay owns it. */
  transportOf(lane: number): Transport | undefined {
    return this.#routes[lane]?.adopted.transport;
  }

  adoptedEpochOf(lane: number): bigint | undefined {
    return this.#routes[lane]?.adopted.epoch;
  }

  shadowOf(lane: number): Transport | null {
    return this.#routes[lane]?.shadow ?? null;
  }

  /** Whether an earlier route, left without holding, may have sent the row. */
  isCarried({ row }: Flight): boolean {
    return row.seq <= (this.#routes[row.lane]?.carriedThrough ?? 0);
  }

  /** Bit n is set when rows of lane n may go out. */
  readMask(): number {
    let mask = 0;
    for (const [lane, state] of this.#lanes)
      if (!this.#isClosed(lane) || state.sentBeforeThrough > 0) mask |= 1 << lane;
    return mask;
  }

  /** The route to dispatch by, or undefined while the lane is not ours or its gate is closed. */
  dispatchRoute(flight: Flight): Route | undefined {
    const { lane, seq } = flight.row;
    const state = this.#lanes.get(lane);
    const route = this.#routes[lane];
    // The lease may have been lost since the lanes were compared.
    if (!state || !route || this.#options.owned.get(lane) !== state.term) return undefined;
    if (this.#isClosed(lane) && seq > state.sentBeforeThrough && !flight.isInFlight())
      return undefined;
    return route.adopted;
  }

  #isClosed(lane: number): boolean {
    const route = this.#routes[lane];
    return !route || route.epoch > route.adopted.epoch;
  }

  /** Drops the lanes that are no longer ours and returns them. */
  dropLost(): ReadonlySet<number> {
    const lost = new Set<number>();
    for (const [lane, state] of this.#lanes)
      if (this.#options.owned.get(lane) !== state.term) lost.add(lane);
    for (const lane of lost) {
      this.#lanes.delete(lane);
      this.#closedSinceMs.delete(lane);
    }
    return lost;
  }

  /**
   * Starts to serve newly taken lanes, noting what an earlier owner may have sent: every row that there
   * is. Their highest number is not looked for, which would take longer the more are open. Returns
   * the lanes.
   */
  async noteTaken(): Promise<readonly number[]> {
    const { owned, sql } = this.#options;
    const taken = [...owned].filter(([lane]) => !this.#lanes.has(lane));
    if (taken.length === 0) return [];
    // The earlier owner's adoptions raised no revision; from now on nobody else adopts.
    await this.refresh();
    this.#isStale = true;
    const [given] = await sql<{ last: number | null }[]>`
      select pg_sequence_last_value(pg_get_serial_sequence('relink.outbox', 'seq')::regclass)::float8
        as last`;
    for (const [lane, term] of taken)
      this.#lanes.set(lane, { term, sentBeforeThrough: given!.last ?? 0 });
    return taken.map(([lane]) => lane);
  }

  /** Rows of the lane up to here may have been sent, although no flight in memory says so. */
  noteSent(lane: number, through: number): void {
    const state = this.#lanes.get(lane);
    if (state) state.sentBeforeThrough = Math.max(state.sentBeforeThrough, through);
  }

  /** The consumer refuses what the lane sends: it accepts epochs from this one on. */
  refusedBelow(lane: number, minEpoch: bigint): boolean {
    if (minEpoch <= (this.adoptedEpochOf(lane) ?? minEpoch)) return false;
    this.#minEpochs.set(lane, minEpoch);
    return true;
  }

  async #catchUp(): Promise<void> {
    const { sql, link, leg, log } = this.#options;
    const minEpochs = new Map(this.#minEpochs);
    this.#minEpochs.clear();
    const epoch = await catchUp(sql, link, leg, minEpochs);
    this.#isStale = true;
    if (epoch === undefined) return;
    const lanes = [...minEpochs.keys()];
    log.warn({ leg, lanes, epoch }, 'the consumer refused older epochs; the lanes get a new one');
  }

  /**
   * Reads changed routes and adopts what can be adopted now. Returns lanes with a newer adopted route:
   * what is in flight by an older one is dispatched again.
   */
  async adopt(): Promise<readonly number[]> {
    try {
      if (this.#minEpochs.size > 0) await this.#catchUp();
      if (this.#isStale) await this.readRoutes();
      for (const route of this.#routes)
        if (route.epoch !== route.adopted.epoch) await this.#adoptIfClear(route);
    } catch (error) {
      // It may have been adopted and the response lost: read again what the database has.
      this.#isStale = true;
      throw error;
    }
    const moved = this.#routes.filter(
      ({ lane, adopted }) => this.#reported.get(lane) !== adopted.epoch,
    );
    for (const { lane, adopted } of moved) this.#reported.set(lane, adopted.epoch);
    return moved.map(({ lane }) => lane);
  }

  /** Reads the routes; also before a process's first pass, because its first requests need them. */
  async readRoutes(): Promise<void> {
    // Cleared before reading: a change during the read makes it stale again.
    this.#isStale = false;
    await this.refresh();
  }

  /** Reads the routes as they are now, including what other relays have adopted. */
  async refresh(): Promise<void> {
    this.#reads += 1;
    const read = this.#reads;
    const routes = await readRoutes(this.#options.sql, this.#options.leg);
    if (read === this.#reads) this.#routes = routes;
  }

  async #adoptIfClear(route: LaneRoute): Promise<void> {
    const state = this.#lanes.get(route.lane);
    if (!state) return;
    if (!this.#closedSinceMs.has(route.lane))
      this.#closedSinceMs.set(route.lane, performance.now());
    if (route.hold && !(await this.#isOldRouteClear(route, state))) return;
    // The lane may have been lost in the meantime, and even taken again.
    if (this.#lanes.get(route.lane) === state) await this.#adopt(route, state);
  }

  async #adopt(route: LaneRoute, state: LaneState): Promise<void> {
    const { sql, link, instance } = this.#options;
    await failpoint('relay.before-adopt');
    const carriedThrough = await adoptRoute(sql, route, {
      link,
      instance,
      term: state.term,
      parkedThrough: this.#parkedThrough(route.lane),
    });
    await failpoint('relay.after-adopt');
    this.#isStale ||= carriedThrough === undefined;
    if (carriedThrough === undefined) return;
    const { transport, version, epoch } = route;
    const adopted = { transport, version, epoch };
    this.#routes[route.lane] = { ...route, adopted, carriedThrough };
    state.sentBeforeThrough = 0;
    const sinceMs = this.#closedSinceMs.get(route.lane) ?? performance.now();
    this.longestHoldMs = Math.max(this.longestHoldMs, performance.now() - sinceMs);
    this.#closedSinceMs.delete(route.lane);
  }

  /**
   * Whether everything that may have gone out by the old route is closed. Parked messages are
   * carried over and do not count.
   */
  async #isOldRouteClear(route: LaneRoute, state: LaneState): Promise<boolean> {
    const { window, sql, leg } = this.#options;
    for (const flight of window.all()) {
      if (flight.row.lane !== route.lane) continue;
      if (flight.isInFlight() || flight.state === 'settled') return false;
    }
    if (state.sentBeforeThrough === 0) return true;
    const parked = this.#parkedSeqs(route.lane);
    const open = await sql`
      select 1 from relink.outbox where leg = ${leg} and lane = ${route.lane}
        and seq <= ${state.sentBeforeThrough} and seq <> all(${parked}::int8[]) limit 1`;
    if (open.length > 0) return false;
    state.sentBeforeThrough = 0;
    return true;
  }

  #parkedSeqs(lane: number): number[] {
    return [...this.#options.window.all()]
      .filter((flight) => flight.row.lane === lane && flight.state === 'parked')
      .map((flight) => flight.row.seq);
  }

  #parkedThrough(lane: number): number {
    return Math.max(0, ...this.#parkedSeqs(lane));
  }
}
