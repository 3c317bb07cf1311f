/** Registers many managers quickly, as a company's history before any migration. */
import type { Caller } from './caller.ts';

/** Registrations at once: the services' batches fill; twice as many gained little on two cores. */
const AT_ONCE = 128;
/** Registrations refused in a row after which something is wrong with the stack, not with one. */
const MAX_FAILURES = 20;

export type FillOptions = {
  readonly caller: Caller;
  readonly managers: number;
  readonly onProgress?: (done: number) => void;
  readonly signal?: AbortSignal;
};

/** Resolves with how many were registered; fewer only when `signal` aborts. Throws what kept failing. */
export async function fill({ caller, managers, onProgress, signal }: FillOptions): Promise<number> {
  let started = 0;
  let done = 0;
  let failures = 0;
  const work = async () => {
    while (started < managers && signal?.aborted !== true) {
      started += 1;
      const { isAcknowledged, error } = await caller.register();
      if (isAcknowledged) {
        failures = 0;
        done += 1;
        onProgress?.(done);
        continue;
      }
      started -= 1;
      failures += 1;
      if (failures > MAX_FAILURES) throw error ?? new Error('a registration was refused');
    }
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, managers) }, work));
  return done;
}
