/**
 * Keys whose rows somebody else keeps locked: their messages wait, and those of other keys go on. For a
 * while that is no fault of the messages; then it counts as any other failure.
 */
import type { Backoff } from '../backoff.ts';

const REST: Backoff = { baseMs: 500, capMs: 5_000 };
const BORNE_MS = 10 * 60_000;

interface Locked {
  readonly sinceMs: number;
  tries: number;
  untilMs: number;
}

export class LockedKeys {
  readonly #now: () => number;
  readonly #keys = new Map<string, Locked>();

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Whether it was locked when it was tried last: it is tried alone, after the others. */
  has(key: string): boolean {
    return this.#keys.has(key);
  }

  /** For how long it is not tried; 0 when it may be. */
  restMs(key: string): number {
    const locked = this.#keys.get(key);
    return locked ? Math.max(0, locked.untilMs - this.#now()) : 0;
  }

  /** Returns for how long it rests; undefined when that is borne no longer. */
  note(key: string): number | undefined {
    const nowMs = this.#now();
    const locked = this.#keys.get(key) ?? { sinceMs: nowMs, tries: 0, untilMs: 0 };
    if (nowMs - locked.sinceMs > BORNE_MS) return undefined;
    const restMs = Math.min(REST.capMs, REST.baseMs * 2 ** locked.tries);
    locked.tries += 1;
    locked.untilMs = nowMs + restMs;
    this.#keys.set(key, locked);
    return restMs;
  }

  /** They were applied. */
  forget(keys: Iterable<string>): void {
    if (this.#keys.size === 0) return;
    for (const key of keys) this.#keys.delete(key);
  }
}
