/**
 * Pauses the consumption of a link when the messages of many different keys fail and little or nothing
 * succeeds: then it is not the messages' fault, and they must not all become dead letters.
 *
 *     closed --(many keys fail)--> open --(its time is over)--> half-open: a few are tried
 *       ^------------------ one of them succeeds ------------------'   |
 *                           open <-------- all of them fail -----------'   for twice as long
 *
 * While it is not closed no failure counts as an attempt. Nobody has to close it.
 */

/** Different keys that failed and that no success made up for. A few poison messages stay below. */
const MANY_KEYS = 5;
/** Messages tried when its time is over. */
const TRIED = 3;
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 30_000;
/**
 * After this time failures count again. Where nothing but messages that nobody can apply is left, no
 * success would ever close it.
 */
const PATIENCE_MS = 60 * 60_000;
/** While others are being tried. */
const SOON_MS = 100;

export interface Pause {
  /** The last failure, in words. */
  readonly reason: string;
  readonly forMs: number;
}

export interface BreakerOptions {
  readonly now?: () => number;
  readonly onOpen?: (reason: string, pauseMs: number) => void;
  readonly onClosed?: (afterMs: number) => void;
}

export class Breaker {
  readonly #options: BreakerOptions;
  readonly #now: () => number;
  /** Keys that failed, the oldest first. Each success makes up for one. */
  readonly #failing = new Set<string>();
  #isOpen = false;
  #openedMs = 0;
  #pauseMs = 0;
  #untilMs = 0;
  /** Half-open: messages that are being tried, and those that failed. */
  #trying = 0;
  #failedTries = 0;
  #reason = '';

  constructor(options: BreakerOptions = {}) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
  }

  get isClosed(): boolean {
    return !this.#isOpen;
  }

  /** Why nothing is consumed; undefined while it is closed. */
  get pause(): Pause | undefined {
    if (!this.#isOpen) return undefined;
    return { reason: this.#reason, forMs: this.#now() - this.#openedMs };
  }

  /** How many messages may be tried now. */
  get room(): number {
    if (!this.#isOpen) return Number.POSITIVE_INFINITY;
    if (this.#now() < this.#untilMs) return 0;
    return Math.max(0, TRIED - this.#failedTries - this.#trying);
  }

  /** When to look again, if there is no room. */
  get waitMs(): number {
    return Math.max(SOON_MS, this.#untilMs - this.#now());
  }

  /** Takes room for up to so many messages; `done` must follow. Returns for how many. */
  take(wanted: number): number {
    const taken = Math.min(wanted, this.room);
    this.#trying += taken;
    return taken;
  }

  /** What was taken was tried. */
  done(taken: number): void {
    this.#trying -= taken;
    if (this.#isOpen && this.#trying === 0 && this.#failedTries >= TRIED) this.#open();
  }

  /** Returns whether the failure counts as an attempt of its message. */
  failed(key: string, reason: string): boolean {
    this.#reason = reason;
    if (this.#isOpen) {
      if (this.#now() >= this.#untilMs) this.#failedTries += 1;
      return this.#now() - this.#openedMs > PATIENCE_MS;
    }
    this.#failing.add(key);
    if (this.#failing.size < MANY_KEYS) return true;
    this.#open();
    return false;
  }

  succeeded(keys: readonly string[]): void {
    for (const key of keys) {
      const [oldest] = this.#failing;
      const madeUpFor = this.#failing.has(key) ? key : oldest;
      if (madeUpFor === undefined) break;
      this.#failing.delete(madeUpFor);
    }
    if (this.#isOpen && keys.length > 0) this.#close();
  }

  #open(): void {
    if (!this.#isOpen) this.#openedMs = this.#now();
    this.#isOpen = true;
    this.#pauseMs = Math.min(LONGEST_PAUSE_MS, this.#pauseMs * 2 || FIRST_PAUSE_MS);
    this.#untilMs = this.#now() + this.#pauseMs;
    this.#failedTries = 0;
    this.#options.onOpen?.(this.#reason, this.#pauseMs);
  }

  #close(): void {
    this.#isOpen = false;
    this.#pauseMs = 0;
    this.#failing.clear();
    this.#options.onClosed?.(this.#now() - this.#openedMs);
  }
}
