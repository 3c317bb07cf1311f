/** Recent latencies of one process: a window of traffic, not a history. */

/** The default window: recent traffic, not an outage that is over. */
const RECENT_MS = 60_000;
/** Latencies kept for the percentiles. */
const SAMPLES = 2_048;

export class Latencies {
  readonly #samples: number;
  readonly #latenciesMs: Float64Array;
  readonly #notedAtMs: Float64Array;
  #count = 0;

  constructor(samples = SAMPLES) {
    this.#samples = samples;
    this.#latenciesMs = new Float64Array(samples);
    this.#notedAtMs = new Float64Array(samples);
  }

  note(latencyMs: number): void {
    const at = this.#count++ % this.#samples;
    this.#latenciesMs[at] = latencyMs;
    this.#notedAtMs[at] = performance.now();
  }

  /**
   * The percentiles given by `shares` (0–1) of the latencies noted within the last `withinMs`; 0
   * when there are none.
   */
  percentilesMs(shares: readonly number[], withinMs = RECENT_MS): number[] {
    return percentilesOf([this], shares, withinMs);
  }

  /** The latencies noted at or after this time. */
  since(sinceMs: number): Float64Array {
    return this.#latenciesMs
      .subarray(0, Math.min(this.#count, this.#samples))
      .filter((_latencyMs, at) => this.#notedAtMs[at]! >= sinceMs);
  }
}

/** The percentiles of several windows together. */
export function percentilesOf(
  all: readonly Latencies[],
  shares: readonly number[],
  withinMs = RECENT_MS,
): number[] {
  const sinceMs = performance.now() - withinMs;
  const kept = Float64Array.from(all.flatMap((one) => [...one.since(sinceMs)])).sort();
  return shares.map((share) =>
    kept.length === 0 ? 0 : kept[Math.min(kept.length - 1, Math.floor(share * kept.length))]!,
  );
}
