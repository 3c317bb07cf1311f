/** What a relay can say about its own work on a leg: counts, the last error, recent latencies. */

/** Latencies kept for the percentiles: a window of recent traffic, not a history. */
const SAMPLES = 2_048;

export class LegProgress {
  dispatched = 0;
  failed = 0;
  lastError = '';
  longestHoldMs = 0;
  readonly #latenciesMs = new Float64Array(SAMPLES);
  #count = 0;

  failedWith(reason: string): void {
    this.failed += 1;
    this.lastError = reason;
  }

  settled(latencyMs: number): void {
    this.#latenciesMs[this.#count++ % SAMPLES] = latencyMs;
  }

  /** The latency below which the share `q` (0–1) of recent messages was settled; 0 without any. */
  percentileMs(q: number): number {
    const kept = this.#latenciesMs.slice(0, Math.min(this.#count, SAMPLES)).sort();
    return kept.length === 0 ? 0 : kept[Math.min(kept.length - 1, Math.floor(q * kept.length))]!;
  }
}
