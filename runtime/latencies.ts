/** Recent latencies of one process: a window of traffic, not a history. */

/** The default window: recent traffic, not an outage that is over. */
const RECENT_MS = 60_000;
/** Latencies kept for the percentiles. */
const SAMPLES = 2_048;

export class Latencies {
  readonly #latenciesMs = new Float64Array(SAMPLES);
  readonly #notedAtMs = new Float64Array(SAMPLES);
  #count = 0;

  note(latencyMs: number): void {
    const at = this.#count++ % SAMPLES;
    this.#latenciesMs[at] = latencyMs;
    this.#notedAtMs[at] = performance.now();
  }

  /**
   * The percentiles given by `shares` (0–1) of the latencies noted within the last `withinMs`; 0
   * when there are none.
   */
  percentilesMs(shares: readonly number[], withinMs = RECENT_MS): number[] {
    const sinceMs = performance.now() - withinMs;
    const kept = this.#latenciesMs
      .subarray(0, Math.min(this.#count, SAMPLES))
      .filter((_latencyMs, at) => this.#notedAtMs[at]! >= sinceMs)
      .sort();
    return shares.map((share) =>
      kept.length === 0 ? 0 : kept[Math.min(kept.length - 1, Math.floor(share * kept.length))]!,
    );
  }
}
