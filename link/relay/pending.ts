/**
 * Flights that are read and not dispatched, of each lane in the order of the outbox. A pass costs what
 * it looks at, not what waits: a lane that can go no further is left where it is.
 */
import type { Flight } from './flight.ts';

/** `goes`: it is dispatched. `stays`: it waits, others of its lane may go. `ends`: they wait, too. */
export type Verdict = 'goes' | 'stays' | 'ends';

/** A lane during a pass. */
interface Cursor {
  readonly flights: Flight[];
  readonly kept: Flight[];
  at: number;
}

export class PendingFlights {
  #lanes = new Map<number, Flight[]>();
  /** Lanes to which a flight came that is older than another one there. */
  #unsorted = new Set<number>();

  add(flight: Flight): void {
    const { lane, seq } = flight.row;
    const flights = this.#lanes.get(lane) ?? [];
    if (seq < (flights.at(-1)?.row.seq ?? 0)) this.#unsorted.add(lane);
    flights.push(flight);
    this.#lanes.set(lane, flights);
  }

  /** Asks what becomes of each, the oldest of all lanes first. Those that come meanwhile are not asked. */
  look(verdictOf: (flight: Flight) => Verdict): void {
    const cursors = this.#open();
    const open = new Set(cursors.values());
    for (let next = oldest(open); next; next = oldest(open)) {
      const flight = next.flights[next.at]!;
      next.at += 1;
      const verdict = verdictOf(flight);
      if (verdict !== 'goes') next.kept.push(flight);
      if (verdict === 'ends' || next.at === next.flights.length) open.delete(next);
    }
    this.#close(cursors);
  }

  /** It was settled before it was dispatched from here. */
  remove(flight: Flight): void {
    const { lane } = flight.row;
    const others = this.#lanes.get(lane)?.filter((one) => one !== flight);
    if (others) this.#lanes.set(lane, others);
  }

  /** Keeps those for which `stays` says so. */
  keep(stays: (flight: Flight) => boolean): void {
    for (const [lane, flights] of this.#lanes) this.#lanes.set(lane, flights.filter(stays));
  }

  #open(): Map<number, Cursor> {
    const lanes = [...this.#lanes].filter(([, flights]) => flights.length > 0);
    for (const [lane, flights] of lanes)
      if (this.#unsorted.has(lane)) flights.sort((a, b) => a.row.seq - b.row.seq);
    this.#lanes = new Map();
    this.#unsorted = new Set();
    return new Map(lanes.map(([lane, flights]) => [lane, { flights, kept: [], at: 0 }]));
  }

  #close(cursors: ReadonlyMap<number, Cursor>): void {
    const came = [...this.#lanes.values()].flat();
    for (const [lane, { flights, kept, at }] of cursors)
      this.#lanes.set(lane, kept.length === at ? flights : [...kept, ...flights.slice(at)]);
    for (const lane of this.#lanes.keys()) if (!cursors.has(lane)) this.#lanes.delete(lane);
    for (const flight of came) this.add(flight);
  }
}

function oldest(open: Iterable<Cursor>): Cursor | undefined {
  let first: Cursor | undefined;
  let firstSeq = Number.POSITIVE_INFINITY;
  for (const cursor of open) {
    const { seq } = cursor.flights[cursor.at]!.row;
    if (seq >= firstSeq) continue;
    [first, firstSeq] = [cursor, seq];
  }
  return first;
}
