/** What requests learn about the messages of a leg that they wait for, also when the relay was faster. */

/** So many results that nobody waited for are remembered at least: a request waits at once or never. */
const EARLY = 5_000;

export class Answers {
  readonly #waiters = new Map<string, (isApplied: boolean) => void>();
  /** In two halves, of which the older is forgotten whole. */
  #early = new Map<string, boolean>();
  #earlier = new Map<string, boolean>();

  /** A message is settled; by an `async` route nobody begins to wait for it any more. */
  settled(eventId: string, { isApplied, isAwaited }: { isApplied: boolean; isAwaited: boolean }) {
    const finish = this.#waiters.get(eventId);
    if (finish) finish(isApplied);
    else if (isAwaited) this.#remember(eventId, isApplied);
  }

  #remember(eventId: string, isApplied: boolean): void {
    this.#early.set(eventId, isApplied);
    if (this.#early.size < EARLY) return;
    this.#earlier = this.#early;
    this.#early = new Map();
  }

  /** Resolves to `true` when the effect is committed, and to `false` on timeout or when it never will be. */
  wait(eventId: string, withinMs: number): Promise<boolean> {
    const early = this.#early.get(eventId) ?? this.#earlier.get(eventId);
    if (early !== undefined) return Promise.resolve(early);
    return new Promise((resolve) => {
      const finish = (isApplied: boolean) => {
        clearTimeout(timer);
        this.#waiters.delete(eventId);
        resolve(isApplied);
      };
      const timer = setTimeout(finish, withinMs, false);
      this.#waiters.set(eventId, finish);
    });
  }
}
