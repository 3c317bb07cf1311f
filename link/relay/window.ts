/**
 * The window of a leg: the flights that this relay holds in memory. Each lane has room of its own, in
 * rows and in bytes, and is read on from where it was left: a lane that stands still, or has huge
 * messages, takes nothing from the others.
 */
import { ALL_LANES, LANES } from '../link.ts';
import {
  type OpenRows,
  type OutboxRow,
  type ReadOrder,
  type RowId,
  SPAN,
} from '../outbox/openRows.ts';
import { type Blocked, Flight, type LaneRoom } from './flight.ts';

/** Rows of a lane in memory at most; a lane that has fewer than LANE_LOW wants more. */
const LANE_ROWS = 1_024;
const LANE_LOW = 256;
/** Rows read at once; more gain little (100 to 1,000 measured 1.7 times). */
const BATCH = 1_000;
/** Bytes of bodies read at once, of which a lane may then have no room for a part. */
const READ_BYTES = 4 * 1_024 * 1_024;
/** Bytes that UTF-8 takes at most for a unit of a JavaScript string. */
const UTF8_MAX = 3;
/** Lanes that are so close together are read together: the rows between are read twice, once. */
const CLOSE = 1_024;
/** What a flight takes beside its body. */
const FLIGHT_BYTES = 500;

/** What keeps messages of a leg from getting further; `reason` is empty when nothing does. */
export interface BlockedLeg {
  readonly count: number;
  readonly reason: string;
  readonly forMs: number;
}

class Lane implements LaneRoom {
  readonly #limit: number;
  /** The last number read: rows of the lane after it are new. */
  tail = 0;
  /** There may be rows after the tail. */
  isBehind = false;
  /** So many numbers after the tail are looked at; more after a look that found nothing. */
  span = SPAN;
  rows = 0;
  bytes = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** One row fits always. */
  get isFull(): boolean {
    return this.rows >= LANE_ROWS || this.bytes >= this.#limit;
  }

  get isHungry(): boolean {
    return this.rows < LANE_LOW && this.bytes * 2 < this.#limit;
  }

  resize(rows: 1 | -1, { body }: OutboxRow): void {
    this.rows += rows;
    this.bytes += rows * (body.length + FLIGHT_BYTES);
  }
}

/** What a read was asked for, and of which lanes: those that began anew meanwhile take nothing of it. */
export interface WindowOrder extends ReadOrder {
  readonly tails: ReadonlyMap<number, number>;
}

export class LegWindow {
  readonly leg: string;
  readonly #lanes: readonly Lane[];
  readonly #flights = new Map<number, Flight>();
  readonly #byEvent = new Map<string, Flight>();

  /** `bytes`: what the lanes of the leg may take in memory together. */
  constructor(leg: string, bytes = Number.POSITIVE_INFINITY) {
    this.leg = leg;
    this.#lanes = Array.from({ length: LANES }, () => new Lane(bytes / LANES));
  }

  // ---- what to read ----

  /**
   * What to read of these lanes (bit n: lane n): those that stand where others do are read together,
   * the ones furthest behind up to where the next are.
   */
  orders(laneMask: number): WindowOrder[] {
    const wanted = ALL_LANES.filter((n) => (laneMask >> n) & 1);
    const groups: number[][] = [];
    let from = Number.NEGATIVE_INFINITY;
    for (const n of wanted.sort((a, b) => this.#lanes[a]!.tail - this.#lanes[b]!.tail)) {
      const { tail } = this.#lanes[n]!;
      if (tail - from > CLOSE) {
        groups.push([]);
        from = tail;
      }
      groups.at(-1)!.push(n);
    }
    return groups.flatMap((lanes, i) => this.#orderOf(lanes, groups[i + 1]?.[0]) ?? []);
  }

  #orderOf(lanes: readonly number[], next: number | undefined): WindowOrder | undefined {
    if (!lanes.some((n) => this.#lanes[n]!.isHungry)) return undefined;
    const open = lanes.filter((n) => !this.#lanes[n]!.isFull);
    const tails = new Map(open.map((n) => [n, this.#lanes[n]!.tail]));
    const tail = Math.min(...tails.values());
    const span = Math.max(...open.map((n) => this.#lanes[n]!.span));
    const end = Math.min(tail + span, next === undefined ? Infinity : this.#lanes[next]!.tail);
    const laneMask = open.reduce((mask, n) => mask | (1 << n), 0);
    return { leg: this.leg, tail, end, laneMask, limit: BATCH, bytes: READ_BYTES, tails };
  }

  /** Whether a lane of the mask has room for rows that wait for it. */
  isBehind(laneMask: number): boolean {
    return this.#lanes.some((lane, n) => (laneMask >> n) & 1 && lane.isBehind && lane.isHungry);
  }

  /**
   * Gives what an order brought to `take`, as far as its lanes have room, and moves them on. Returns the
   * numbers of rows that committed late: they were passed, and are not known.
   */
  read(order: WindowOrder, { rows, ...read }: OpenRows, take: (row: OutboxRow) => void): number[] {
    const late = read.before.filter((seq) => !this.#flights.has(seq));
    const lanes = this.#lanesOf(order);
    const full = new Set<Lane>();
    for (const row of rows) {
      const lane = lanes.get(row.lane);
      if (!lane || full.has(lane)) continue;
      if (row.seq <= lane.tail) this.has(row) || late.push(row.seq);
      else if (lane.isFull) full.add(lane);
      else {
        take(row);
        lane.tail = row.seq;
      }
    }
    const reached = rows.at(-1)?.seq ?? read.through;
    for (const lane of lanes.values()) {
      lane.isBehind = read.isMore || isCut(rows) || full.has(lane);
      lane.span = rows.length === 0 && read.isMore ? 2 * lane.span : SPAN;
      if (!full.has(lane)) lane.tail = Math.max(lane.tail, reached);
    }
    return late;
  }

  #lanesOf({ tails }: WindowOrder): Map<number, Lane> {
    const lanes = [...tails].map(([n, tail]) => ({ n, tail, lane: this.#lanes[n]! }));
    return new Map(lanes.flatMap(({ n, tail, lane }) => (lane.tail === tail ? [[n, lane]] : [])));
  }

  /** Its rows are read from the beginning. */
  restart(lane: number): void {
    this.#lanes[lane]!.tail = 0;
    this.#lanes[lane]!.isBehind = true;
  }

  /** Whether a row's number was passed, so that the row should be known. */
  isPassed(lane: number, seq: number): boolean {
    return seq <= this.#lanes[lane]!.tail;
  }

  /** The highest number that was read. */
  get tail(): number {
    return Math.max(...this.#lanes.map(({ tail }) => tail));
  }

  // ---- flights ----

  /** The flight of this number; its row may be another one than the database has there now. */
  at(seq: number): Flight | undefined {
    return this.#flights.get(seq);
  }

  has({ seq, eventId }: RowId): boolean {
    return this.#flights.get(seq)?.row.eventId === eventId;
  }

  ofEvent(eventId: string): Flight | undefined {
    return this.#byEvent.get(eventId);
  }

  add(row: OutboxRow, nowMs: number): Flight {
    const flight = new Flight(row, nowMs, this.#lanes[row.lane]);
    this.#flights.set(row.seq, flight);
    this.#byEvent.set(row.eventId, flight);
    return flight;
  }

  /** A row that was let go may have been read again; its new flight stays. */
  remove(flight: Flight): void {
    flight.letGo();
    const { seq, eventId } = flight.row;
    if (this.#flights.get(seq) === flight) this.#flights.delete(seq);
    if (this.#byEvent.get(eventId) === flight) this.#byEvent.delete(eventId);
  }

  all(): Iterable<Flight> {
    return this.#flights.values();
  }

  /** How many messages do not get further, and why the one does not that waits longest. */
  blocked(): BlockedLeg {
    let count = 0;
    let longest: Blocked | undefined;
    for (const { blocked } of this.#flights.values()) {
      if (!blocked) continue;
      count += 1;
      if (!longest || blocked.sinceMs < longest.sinceMs) longest = blocked;
    }
    const { reason = '', sinceMs = performance.now() } = longest ?? {};
    return { count, reason, forMs: performance.now() - sinceMs };
  }

  /** Up to `limit` flights whose receipt is overdue; who waited longest comes first, so all get asked. */
  overdue(nowMs: number, limit: number): Flight[] {
    const overdue = [...this.#flights.values()].filter((flight) => flight.isOverdue(nowMs));
    return overdue.sort((one, other) => one.dueMs - other.dueMs).slice(0, limit);
  }
}

/** Whether a read ended at one of its limits. */
function isCut(rows: readonly OutboxRow[]): boolean {
  if (rows.length >= BATCH) return true;
  return rows.reduce((sum, { body }) => sum + body.length, 0) * UTF8_MAX >= READ_BYTES;
}
