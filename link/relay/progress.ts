/**
 * A relay's record of its own work on a leg: counts, the last error, recent latencies; and the same of
 * each lane under its newest epoch, so that the lanes that a migration moved are judged by themselves.
 */
import { Latencies, percentilesOf } from '../../runtime/latencies.ts';
import type { Flight } from './flight.ts';

/** Latencies kept of a lane: enough for a p99, a sixteenth of the traffic of a leg. */
const LANE_SAMPLES = 256;

/** Where something happened. */
export interface Place {
  readonly lane: number;
  readonly epoch: bigint;
}

class Counts {
  dispatched = 0;
  failed = 0;
  lastError = '';
  /** From enqueue to receipt. */
  readonly latencies: Latencies;

  constructor(samples?: number) {
    this.latencies = new Latencies(samples);
  }

  failedWith(reason: string): void {
    this.failed += 1;
    this.lastError = reason;
  }
}

export interface Counted {
  readonly dispatched: number;
  readonly failed: number;
  readonly lastError: string;
  percentilesMs(shares: readonly number[], withinMs?: number): number[];
}

export class LegProgress {
  readonly #leg = new Counts();
  readonly #lanes = new Map<number, { epoch: bigint; counts: Counts }>();

  handedOver(place: Place | undefined): void {
    for (const counts of this.#countsAt(place)) counts.dispatched += 1;
  }

  failedWith(reason: string, place?: Place): void {
    for (const counts of this.#countsAt(place)) counts.failedWith(reason);
  }

  settled(latencyMs: number, place?: Place): void {
    for (const counts of this.#countsAt(place)) counts.latencies.note(latencyMs);
  }

  /** What the leg did, or only these lanes under these epochs. */
  counted(places?: readonly Place[]): Counted {
    const all = places ? places.flatMap((place) => this.#known(place) ?? []) : [this.#leg];
    return {
      dispatched: all.reduce((sum, { dispatched }) => sum + dispatched, 0),
      failed: all.reduce((sum, { failed }) => sum + failed, 0),
      lastError: all.map(({ lastError }) => lastError).find((error) => error !== '') ?? '',
      percentilesMs: (shares, withinMs) =>
        percentilesOf(
          all.map(({ latencies }) => latencies),
          shares,
          withinMs,
        ),
    };
  }

  #known({ lane, epoch }: Place): Counts | undefined {
    const known = this.#lanes.get(lane);
    return known?.epoch === epoch ? known.counts : undefined;
  }

  /** What a lane did under an older epoch counts only for the leg. */
  #countsAt(place: Place | undefined): Counts[] {
    if (!place) return [this.#leg];
    const newest = this.#lanes.get(place.lane)?.epoch ?? -1n;
    if (place.epoch < newest) return [this.#leg];
    if (place.epoch > newest)
      this.#lanes.set(place.lane, { epoch: place.epoch, counts: new Counts(LANE_SAMPLES) });
    return [this.#leg, this.#known(place)!];
  }
}

/** The lane and epoch that a flight was dispatched under. */
export function placeOf({ row, route }: Flight): Place | undefined {
  return route && { lane: row.lane, epoch: route.epoch };
}
