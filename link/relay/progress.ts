/** A relay's record of its own work on a leg: counts, the last error, recent latencies. */
import { Latencies } from '../../runtime/latencies.ts';

export class LegProgress {
  dispatched = 0;
  failed = 0;
  lastError = '';
  /** From enqueue to receipt. */
  readonly latencies = new Latencies();

  failedWith(reason: string): void {
    this.failed += 1;
    this.lastError = reason;
  }

  settled(latencyMs: number): void {
    this.latencies.note(latencyMs);
  }
}
