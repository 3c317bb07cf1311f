/** Flights that are read and not dispatched, in the order of the outbox. */
import type { Flight } from './flight.ts';

export class PendingFlights {
  #flights: Flight[] = [];
  #isSorted = true;

  add(flight: Flight): void {
    this.#isSorted &&= flight.row.seq > (this.#flights.at(-1)?.row.seq ?? 0);
    this.#flights.push(flight);
  }

  /** Keeps those for which `stays` says so; it is asked in order. */
  keep(stays: (flight: Flight) => boolean): void {
    const flights = this.#flights;
    if (!this.#isSorted) flights.sort((a, b) => a.row.seq - b.row.seq);
    this.#isSorted = true;
    this.#flights = [];
    const kept = flights.filter(stays);
    const added = this.#flights;
    this.#flights = kept;
    for (const flight of added) this.add(flight);
  }
}
