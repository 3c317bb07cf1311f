/**
 * Looks after runs that wait for a person, which may take days: no worker watches their lanes. One whose
 * lanes something else moved is paused and says so.
 */
import { RpcCallError } from '../../rpc/client.ts';
import { messageOf } from '../../runtime/errors.ts';
import { describeStrays, findStrays } from '../leg/strays.ts';
import * as life from '../run/life.ts';
import type { RunRecord } from '../run/record.ts';
import type { WorkerOptions } from './context.ts';

/** One small read per leg: often enough to be early, rarely enough to cost nothing. */
const EVERY_MS = 2_000;

export type WaitingOptions = Pick<WorkerOptions, 'journal' | 'participants' | 'lease' | 'log'> & {
  readonly onChange?: ((runId: string) => void) | undefined;
};

export class WaitingRuns {
  readonly #options: WaitingOptions;
  /** When each run is looked at next; none while it is being looked at. */
  readonly #dueMs = new Map<string, number>();

  constructor(options: WaitingOptions) {
    this.#options = options;
  }

  /** Starts looking at those that are due. Never rejects: what was not seen is looked at again. */
  look(live: readonly RunRecord[]): void {
    const waiting = live.filter(({ state }) => state === 'waiting');
    const ids = new Set(waiting.map(({ id }) => id));
    for (const id of this.#dueMs.keys()) if (!ids.has(id)) this.#dueMs.delete(id);
    for (const run of waiting) {
      if (performance.now() < (this.#dueMs.get(run.id) ?? 0)) continue;
      this.#dueMs.set(run.id, Number.POSITIVE_INFINITY);
      void this.#lookAt(run)
        .catch((error: unknown) => this.#notSeen(run, error))
        .finally(() => this.#dueMs.set(run.id, performance.now() + EVERY_MS));
    }
  }

  async #lookAt(run: RunRecord): Promise<void> {
    const { journal, participants, lease, onChange } = this.#options;
    const strays = await findStrays(
      { participants, run },
      { closing: run.waiting?.gate === 'complete' },
    );
    if (strays.length === 0) return;
    const current = await journal.read(run.id);
    // An order came meanwhile: what was seen may be its doing.
    if (current?.run.revision !== run.revision) return;
    const change = life.stray(run, describeStrays(run, strays), new Date().toISOString());
    await journal.record(current, change, lease.requireValid());
    onChange?.(run.id);
  }

  #notSeen({ id }: RunRecord, error: unknown): void {
    const isAway = error instanceof RpcCallError;
    this.#options.log[isAway ? 'debug' : 'warn'](
      { run: id, reason: messageOf(error) },
      'the lanes of a waiting run could not be read',
    );
  }
}
