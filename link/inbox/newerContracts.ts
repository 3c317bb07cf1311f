/**
 * What came lately in a contract version that this build does not read. Such a process can work only in
 * part, so it says that it is not ready until no such message came for a while: the route may go back,
 * or other processes of the service may take them all.
 */
import type { Log } from '../../runtime/log.ts';

/** Longer than any time between two attempts of one message. */
const LATELY_MS = 30_000;

export class NewerContracts {
  readonly #log: Log;
  readonly #nowMs: () => number;
  readonly #lastOf = new Map<string, { readonly detail: string; readonly atMs: number }>();

  constructor(log: Log, nowMs: () => number = () => performance.now()) {
    this.#log = log;
    this.#nowMs = nowMs;
  }

  note(link: string, detail: string): void {
    if (!this.#isLately(link))
      this.#log.error({ link, detail }, 'this build cannot read a message');
    this.#lastOf.set(link, { detail, atMs: this.#nowMs() });
  }

  #isLately(link: string): boolean {
    const last = this.#lastOf.get(link);
    return last !== undefined && this.#nowMs() - last.atMs < LATELY_MS;
  }

  /** @throws Error that names the link, the event, and both versions */
  requireNone(): void {
    for (const [link, { detail }] of this.#lastOf)
      if (this.#isLately(link)) throw new Error(`${link}: ${detail}`);
  }
}
