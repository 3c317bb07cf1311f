/** Request latencies over windows of time: before a migration, during it, or the last second. */
import { createHistogram, type RecordableHistogram } from 'node:perf_hooks';

/** Three digits up to an hour: a histogram takes some kilobytes, however long it runs. */
const HISTOGRAM = { lowest: 1, highest: 3_600_000_000, figures: 3 };
const US_PER_MS = 1_000;

export interface LatencySummary {
  count: number;
  p50Ms: number;
  p99Ms: number;
  maxMs: number;
}

const EMPTY: LatencySummary = { count: 0, p50Ms: 0, p99Ms: 0, maxMs: 0 };

/** Everything recorded between `openWindow` and `close`. */
export class LatencyWindow {
  readonly #histogram: RecordableHistogram = createHistogram(HISTOGRAM);
  readonly #onClose: (window: LatencyWindow) => void;

  constructor(onClose: (window: LatencyWindow) => void) {
    this.#onClose = onClose;
  }

  record(latencyMs: number): void {
    this.#histogram.record(Math.max(1, Math.round(latencyMs * US_PER_MS)));
  }

  summary(): LatencySummary {
    const { count } = this.#histogram;
    if (count === 0) return EMPTY;
    const ms = (percent: number) => this.#histogram.percentile(percent) / US_PER_MS;
    return { count, p50Ms: ms(50), p99Ms: ms(99), maxMs: this.#histogram.max / US_PER_MS };
  }

  /** Records nothing more. Safe twice. */
  close(): LatencySummary {
    this.#onClose(this);
    return this.summary();
  }
}

export class LatencyRecorder {
  readonly #open = new Set<LatencyWindow>();

  openWindow(): LatencyWindow {
    const window = new LatencyWindow((closed) => this.#open.delete(closed));
    this.#open.add(window);
    return window;
  }

  record(latencyMs: number): void {
    for (const window of this.#open) window.record(latencyMs);
  }
}
