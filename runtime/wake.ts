/**
 * Waiting without sleeping: a loop waits for a wake or for its poll interval, whichever comes
 * first. A wake may be lost between processes and nothing may depend on it; inside one process it
 * is not lost: a wake that comes while nobody waits ends the next wait at once.
 */

/**
 * A coalescing wake-up. Any number of `wake()` calls before the next `wait()` count as one. Meant
 * for one waiter; if there are several, the same wake wakes them all.
 */
export class Wake {
  #isWoken = false;
  #waiters = new Set<() => void>();

  /** Ends the current waits, or the next one if nobody waits. Never throws. */
  wake(): void {
    if (this.#waiters.size === 0) {
      this.#isWoken = true;
      return;
    }
    for (const finish of [...this.#waiters]) finish();
  }

  /**
   * Resolves `true` on a wake and `false` after `timeoutMs` or when `signal` aborts: an abort is
   * the loop's own stop, not an error. No timer and no listener is left behind.
   */
  wait(timeoutMs: number, signal?: AbortSignal): Promise<boolean> {
    if (this.#isWoken) {
      this.#isWoken = false;
      return Promise.resolve(true);
    }
    if (signal?.aborted) return Promise.resolve(false);
    return new Promise((resolve) => {
      const settle = (isWoken: boolean) => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', onAbort);
        this.#waiters.delete(onWake);
        resolve(isWoken);
      };
      const onWake = () => settle(true);
      const onAbort = () => settle(false);
      const timer = setTimeout(onAbort, timeoutMs);
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#waiters.add(onWake);
    });
  }
}

/** Resolves `true` after `delayMs`, or `false` at once when `signal` aborts. */
export async function pause(delayMs: number, signal?: AbortSignal): Promise<boolean> {
  await new Wake().wait(delayMs, signal);
  return signal?.aborted !== true;
}

export interface Repeater {
  /** Runs once more soon, without waiting for the interval. */
  wake(): void;
  /** Waits for the current run and for nothing else. Safe to call twice. */
  stop(): Promise<void>;
}

/**
 * Calls `run` repeatedly, `everyMs` after the end of the previous run, never twice at once. The
 * first run is immediate. `run` gets a signal that aborts on stop. An error goes to `onError`, and
 * the next run comes as usual.
 */
export function repeat(
  everyMs: number,
  run: (signal: AbortSignal) => Promise<void> | void,
  onError: (error: unknown) => void,
): Repeater {
  const wake = new Wake();
  const stopping = new AbortController();
  const loop = async () => {
    while (!stopping.signal.aborted) {
      try {
        await run(stopping.signal);
      } catch (error) {
        if (!stopping.signal.aborted) onError(error);
      }
      await wake.wait(everyMs, stopping.signal);
    }
  };
  const ended = loop();
  return {
    wake: () => wake.wake(),
    stop: () => {
      stopping.abort();
      return ended;
    },
  };
}
