/** The window of a leg: the flights that this relay holds in memory. */
import { type OutboxRow, type RowId, SPAN } from '../outbox/openRows.ts';
import { type Blocked, Flight, type FlightCounts } from './flight.ts';

/** What keeps messages of a leg from getting further; `reason` is empty when nothing does. */
export interface BlockedLeg {
  readonly count: number;
  readonly reason: string;
  readonly forMs: number;
}

export class LegWindow {
  readonly leg: string;
  readonly #flights = new Map<number, Flight>();
  readonly #byEvent = new Map<string, Flight>();
  readonly #counts: FlightCounts = { parked: 0 };
  /** The last number read; rows after it are new. */
  tail = 0;
  /** So many numbers after it are read at once. */
  span = SPAN;
  #mustRewind = false;

  constructor(leg: string) {
    this.leg = leg;
  }

  /** Rows that were skipped are needed now: the next read starts from the beginning. */
  rewind(): void {
    this.#mustRewind = true;
  }

  /**
   * Called between reads only: a read in progress would move the tail on again. Returns whether it
   * rewound.
   */
  applyRewind(): boolean {
    const mustRewind = this.#mustRewind;
    if (mustRewind) this.tail = 0;
    this.#mustRewind = false;
    return mustRewind;
  }

  /** Flights that take room: parked messages wait at the consumer and take none. */
  get size(): number {
    return this.#flights.size - this.#counts.parked;
  }

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
    const flight = new Flight(row, nowMs, this.#counts);
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

  ofLane(lane: number): Flight[] {
    return [...this.#flights.values()].filter((flight) => flight.row.lane === lane);
  }
}
