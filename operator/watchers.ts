/** Wakes those who watch a run, so that a change shows at once. */
import { Wake } from '../runtime/wake.ts';

export class Watchers {
  readonly #wakes = new Map<string, Set<Wake>>();

  wake(runId: string): void {
    for (const wake of this.#wakes.get(runId) ?? []) wake.wake();
  }

  /** Resolves at the next change of the run, after `withinMs`, or when `signal` aborts. */
  async changed(runId: string, withinMs: number, signal: AbortSignal): Promise<void> {
    const wake = new Wake();
    const all = this.#wakes.get(runId) ?? new Set();
    this.#wakes.set(runId, all.add(wake));
    await wake.wait(withinMs, signal);
    all.delete(wake);
    if (all.size === 0) this.#wakes.delete(runId);
  }
}
