/** What a relay can say about its own work on a leg: counts, the last error, recent latencies. */

/** What nobody names a time for: recent traffic, not an outage that is over. */
const RECENT_MS = 60_000;
/** Latencies kept for the percentiles: a window of recent traffic, not a history. */
const SAMPLES = 2_048;

export class LegProgress {
  dispatched = 0;
  failed = 0;
  lastError = '';
  readonly #latenciesMs = new Float64Array(SAMPLES);
  readonly #settledAtMs = new Float64Array(SAMPLES);
  #count = 0;

  failedWith(reason: string): void {
    this.failed += 1;
    this.lastError = reason;
  }

  settled(latencyMs: number): void {
    const at = this.#count++ % SAMPLES;
    this.#latenciesMs[at] = latencyMs;
    this.#settledAtMs[at] = performance.now();
  }

  /**
   * The latencies below which each share of `shares` (0–1) of the messages was settled that got their
   * receipt within the last `withinMs`; 0 without any.
   */
  percentilesMs(shares: readonly number[], withinMs = RECENT_MS): number[] {
    const sinceMs = performance.now() - withinMs;
    const kept = this.#latenciesMs
      .subarray(0, Math.min(this.#count, SAMPLES))
      .filter((_latencyMs, at) => this.#settledAtMs[at]! >= sinceMs)
      .sort();
    return shares.map((share) =>
      kept.length === 0 ? 0 : kept[Math.min(kept.length - 1, Math.floor(share * kept.length))]!,
    );
  }
}
