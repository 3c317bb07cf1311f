/**
 * Keys of an `async` route that wait behind a message that the transport refused for what it is. The
 * earliest refused message of a key holds it; it is tried again, and lets the others go when it is
 * handed over.
 */
import type { Flight } from './flight.ts';

export class HeldKeys {
  readonly #holders = new Map<string, Flight>();

  hold(flight: Flight): void {
    this.#holders.set(flight.row.key, flight);
  }

  /** Whether an earlier message of its key was refused. */
  isBehind({ row }: Flight): boolean {
    const holder = this.#holders.get(row.key);
    return holder !== undefined && holder.row.seq < row.seq;
  }

  release(flight: Flight): void {
    if (this.#holders.get(flight.row.key) === flight) this.#holders.delete(flight.row.key);
  }
}
