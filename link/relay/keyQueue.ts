/**
 * The calls of a `sync` route: at most CALLS at once, and one at a time per key, in the order of
 * the outbox. A message that is tried again stays first in the queue of its key; other keys go on. What
 * hangs takes no room from the rest: a key has few places in the queue, a lane a share of them, and
 * each lane one call that no other may have.
 */
import { LANES } from '../link.ts';
import type { Flight } from './flight.ts';

/** Calls in flight per leg; more gain nothing on one connection (measured from 16 up). */
export const CALLS = 32;
/** Of these, calls of one lane. */
export const LANE_CALLS = 8;
/** Calls beside the first of each lane. */
const MORE_CALLS = CALLS - LANES;
/** Messages waiting for their turn, per lane. */
const LANE_QUEUED = 2 * LANE_CALLS;
/** Of these, messages of one key: only one of them is called at a time. */
const KEY_QUEUED = 4;

export class KeyQueue {
  readonly #queues = new Map<string, Flight[]>();
  #ready: Flight[] = [];
  #size = 0;
  /** Calls in flight, by lane. */
  readonly #calling = new Map<number, number>();
  /** Of these, those beside the first of their lane. */
  #more = 0;
  /** Messages in the queue, by lane. */
  readonly #queued = new Map<number, number>();

  get size(): number {
    return this.#size;
  }

  hasRoomIn(lane: number): boolean {
    return (this.#queued.get(lane) ?? 0) < LANE_QUEUED;
  }

  /** In its lane, and beside others of its key. */
  hasRoomFor({ row }: Flight): boolean {
    return this.hasRoomIn(row.lane) && (this.#queues.get(row.key)?.length ?? 0) < KEY_QUEUED;
  }

  push(flight: Flight): void {
    this.#resize(flight, 1);
    const queue = this.#queues.get(flight.row.key);
    if (queue) queue.push(flight);
    else {
      this.#queues.set(flight.row.key, [flight]);
      this.#ready.push(flight);
    }
  }

  /** The next flight to call, or undefined when none is ready or enough calls run. */
  take(): Flight | undefined {
    const next = this.#ready.findIndex(({ row }) => this.#mayCall(row.lane));
    const [flight] = next < 0 ? [] : this.#ready.splice(next, 1);
    if (flight) this.#count(flight, 1);
    return flight;
  }

  #mayCall(lane: number): boolean {
    const calls = this.#callsOf(lane);
    return calls === 0 || (calls < LANE_CALLS && this.#more < MORE_CALLS);
  }

  #resize({ row: { lane } }: Flight, messages: 1 | -1): void {
    this.#size += messages;
    this.#queued.set(lane, (this.#queued.get(lane) ?? 0) + messages);
  }

  #callsOf(lane: number): number {
    return this.#calling.get(lane) ?? 0;
  }

  #count({ row: { lane } }: Flight, calls: 1 | -1): void {
    const before = this.#callsOf(lane);
    this.#calling.set(lane, before + calls);
    if (Math.max(before, before + calls) > 1) this.#more += calls;
  }

  /** A call ended. Its flight keeps its place until `again` or `leave`. */
  ended(flight: Flight): void {
    this.#count(flight, -1);
  }

  /** The flight at the head of its key may be called again. */
  again(flight: Flight): void {
    if (this.#queues.get(flight.row.key)?.[0] === flight) this.#ready.push(flight);
  }

  /** Removes the flight; the next one of its key is ready. */
  leave(flight: Flight): void {
    const queue = this.#queues.get(flight.row.key);
    const place = queue?.indexOf(flight) ?? -1;
    if (!queue || place < 0) return;
    queue.splice(place, 1);
    this.#resize(flight, -1);
    this.#ready = place === 0 ? this.#ready.filter((other) => other !== flight) : this.#ready;
    if (queue.length === 0) this.#queues.delete(flight.row.key);
    else if (place === 0) this.#ready.push(queue[0]!);
  }
}
