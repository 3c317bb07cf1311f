/**
 * Keys of an `async` route that wait behind a message that the transport refused for what it is.
 * Every refused message of a key holds the later ones, until it is handed over: an earlier one may
 * be refused after it, when it was committed late.
 */
import type { Flight } from './flight.ts';

export class HeldKeys {
  readonly #holders = new Map<string, Set<Flight>>();

  hold(flight: Flight): void {
    const { key } = flight.row;
    const holders = this.#holders.get(key) ?? new Set();
    this.#holders.set(key, holders.add(flight));
  }

  /** Whether an earlier message of its key was refused. */
  isBehind({ row }: Flight): boolean {
    for (const holder of this.#holders.get(row.key) ?? [])
      if (holder.row.seq < row.seq) return true;
    return false;
  }

  release(flight: Flight): void {
    const holders = this.#holders.get(flight.row.key);
    if (holders?.delete(flight) && holders.size === 0) this.#holders.delete(flight.row.key);
  }
}
