/**
 * Whether a process can work now, judged by its checks. `/readyz`, gRPC health and the log say the
 * same, because all ask here.
 */
import { messageOf } from './errors.ts';
import { type Agent, within } from './lifecycle.ts';
import type { Log } from './log.ts';
import { type Repeater, repeat } from './wake.ts';

const CHECK_LIMIT_MS = 1_000; // a probe's own limit is usually 1 to 5 s
/** How soon gRPC health and the log follow. */
const LOOK_EVERY_MS = 1_000;

/** Throws or rejects with the reason when the process cannot work now. */
export type ReadinessCheck = () => Promise<unknown> | unknown;

export interface ReadinessOptions {
  /** By the name of what is checked. */
  readonly checks: Readonly<Record<string, ReadinessCheck>>;
  readonly log: Log;
  /** Called with every change, and at the start. */
  readonly onChange: (isReady: boolean) => void;
}

export interface Ready {
  readonly isReady: boolean;
  /** `ok`, or why not, by the name of the check. */
  readonly checks: Readonly<Record<string, string>>;
}

export class Readiness implements Agent {
  readonly name = 'readiness';
  readonly #options: ReadinessOptions;
  #repeater: Repeater | undefined;
  #last = '';

  constructor(options: ReadinessOptions) {
    this.#options = options;
  }

  /** Runs all checks now. */
  async look(): Promise<Ready> {
    const results = await Promise.all(
      Object.entries(this.#options.checks).map(
        async ([name, check]) => [name, await resultOf(check)] as const,
      ),
    );
    const isReady = results.every(([, result]) => result === 'ok');
    return { isReady, checks: Object.fromEntries(results) };
  }

  start(): void {
    const { log } = this.#options;
    this.#repeater ??= repeat(
      LOOK_EVERY_MS,
      () => this.#follow(),
      (error) => log.warn({ err: error }, 'readiness could not be told'),
    );
  }

  async stop(): Promise<void> {
    await this.#repeater?.stop();
  }

  async #follow(): Promise<void> {
    const { log, onChange } = this.#options;
    const { isReady, checks } = await this.look();
    const now = JSON.stringify(checks);
    if (now === this.#last) return;
    if (!isReady) log.warn({ checks }, 'cannot work now');
    else if (this.#last !== '') log.info('can work again');
    this.#last = now;
    onChange(isReady);
  }
}

async function resultOf(check: ReadinessCheck): Promise<string> {
  try {
    await within(CHECK_LIMIT_MS, async () => check());
    return 'ok';
  } catch (error) {
    return messageOf(error);
  }
}
