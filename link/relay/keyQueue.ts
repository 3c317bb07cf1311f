/**
 * The calls of a `sync` route: at most CALLS at once, and one at a time per key, in the order of
 * the outbox. A message that is tried again stays first in the queue of its key; other keys go on.
 */
import type { Flight } from './flight.ts';

/** Calls in flight per leg; more gain nothing on one connection (measured from 16 up). */
export const CALLS = 32;

export class KeyQueue {
  readonly #queues = new Map<string, Flight[]>();
  #ready: Flight[] = [];
  #size = 0;
  #calling = 0;

  get size(): number {
    return this.#size;
  }

  push(flight: Flight): void {
    this.#size += 1;
    const queue = this.#queues.get(flight.row.key);
    if (queue) queue.push(flight);
    else {
      this.#queues.set(flight.row.key, [flight]);
      this.#ready.push(flight);
    }
  }

  /** The next flight to call, or undefined when none is ready or enough calls run. */
  take(): Flight | undefined {
    if (this.#calling >= CALLS) return undefined;
    const flight = this.#ready.shift();
    if (flight) this.#calling += 1;
    return flight;
  }

  /** A call ended. Its flight keeps its place until `again` or `leave`. */
  ended(): void {
    this.#calling -= 1;
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
    this.#size -= 1;
    this.#ready = place === 0 ? this.#ready.filter((other) => other !== flight) : this.#ready;
    if (queue.length === 0) this.#queues.delete(flight.row.key);
    else if (place === 0) this.#ready.push(queue[0]!);
  }
}
