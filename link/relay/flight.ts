/** The window of a leg: the open rows this relay holds in memory, and where each of them is. */

import type { OutboxRow } from '../outbox/openRows.ts';
import type { Route } from './routes.ts';

/**
 * - `pending`: read, not dispatched since
 * - `queued`: waits for its turn behind an earlier message of its key (`sync`)
 * - `sending`: handed to a dispatcher that has not answered
 * - `sent`: stored by JetStream, no receipt yet
 * - `waiting`: failed, tried again at `dueMs`
 * - `parked`: the consumer keeps it until an earlier message of its key is settled
 * - `settled`: receipt here, the row is about to be removed
 */
export type FlightState =
  | 'pending'
  | 'queued'
  | 'sending'
  | 'sent'
  | 'waiting'
  | 'parked'
  | 'settled';

export class Flight {
  readonly row: OutboxRow;
  /** Monotonic time of the row's commit, as well as clocks allow. */
  readonly openedAtMs: number;
  state: FlightState = 'pending';
  /** The route it was dispatched by last. */
  route: Route | undefined;
  /** Failed tries since it was last handed over. */
  failures = 0;
  /** Times it was sent again because no receipt came; each needs a new message id. */
  resends = 0;
  /** Grows when the flight is taken back; answers to an older dispatch no longer steer it. */
  generation = 0;
  /** The consumer is asked about it before it is left to `pull`. */
  isAskedFor = false;
  dueMs = 0;
  sentAtMs = 0;
  /** The epoch under which the consumer settled it. */
  settledEpoch = 0n;

  constructor(row: OutboxRow, nowMs: number) {
    this.row = row;
    this.openedAtMs = nowMs - row.ageMs;
  }

  /** Whether it may have reached the consumer by its route without a receipt so far. */
  isInFlight(): boolean {
    if (this.state === 'pending') return this.route !== undefined;
    return this.state !== 'settled' && this.state !== 'parked';
  }
}

export class LegWindow {
  readonly leg: string;
  readonly #flights = new Map<number, Flight>();
  readonly #byEvent = new Map<string, Flight>();
  /** The last number read; rows after it are new. */
  tail = 0;
  parked = 0;
  #mustRewind = false;

  constructor(leg: string) {
    this.leg = leg;
  }

  /** Rows were passed over that are wanted now: the next read begins at the beginning. */
  rewind(): void {
    this.#mustRewind = true;
  }

  /** Only between reads: a read under way would move the tail on again. Answers whether it did. */
  applyRewind(): boolean {
    const mustRewind = this.#mustRewind;
    if (mustRewind) this.tail = 0;
    this.#mustRewind = false;
    return mustRewind;
  }

  get size(): number {
    return this.#flights.size - this.parked;
  }

  has(seq: number): boolean {
    return this.#flights.has(seq);
  }

  get(seq: number): Flight | undefined {
    return this.#flights.get(seq);
  }

  ofEvent(eventId: string): Flight | undefined {
    return this.#byEvent.get(eventId);
  }

  add(row: OutboxRow, nowMs: number): Flight {
    const flight = new Flight(row, nowMs);
    this.#flights.set(row.seq, flight);
    this.#byEvent.set(row.eventId, flight);
    return flight;
  }

  remove(flight: Flight): void {
    // A row that was let go may have been read again: then its new flight stays.
    if (this.#flights.get(flight.row.seq) !== flight) return;
    if (flight.state === 'parked') this.parked -= 1;
    this.#flights.delete(flight.row.seq);
    if (this.#byEvent.get(flight.row.eventId) === flight) this.#byEvent.delete(flight.row.eventId);
  }

  all(): Iterable<Flight> {
    return this.#flights.values();
  }

  ofLane(lane: number): Flight[] {
    return [...this.#flights.values()].filter((flight) => flight.row.lane === lane);
  }
}
