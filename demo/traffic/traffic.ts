/**
 * Live traffic through the public APIs: an open loop. Requests are due by the clock, whether earlier
 * ones were answered or not, and a latency counts from the moment a request was due: a service that
 * stalls for a second shows as a second for all that came in it.
 */

import { type CalledAddresses, Caller } from './caller.ts';
import { Told } from './history.ts';
import { Latencies } from './latencies.ts';
import type { CallResult } from './retry.ts';
import { type Due, Life } from './workload.ts';

/** Requests come in small groups of this distance. */
const TICK_MS = 5;
/** Requests without an answer at once: above this the callers' side would measure itself. */
const MAX_WAITING = 5_000;
const CONNECTIONS = 2;
/** Different errors kept for the report. */
const MAX_ERRORS = 10;

export type TrafficOptions = {
  readonly addresses: CalledAddresses;
  /** Requests a second. */
  readonly ratePerSecond: number;
  readonly told?: Told;
  /** To each replica of each service. */
  readonly connections?: number;
};

export type TrafficCounts = {
  /** Requests that ended, well or not. */
  requests: number;
  /** Requests that were not acknowledged, repetitions included. */
  failed: number;
  /** Refused because a service had not heard yet of what another one knew: asked again later. */
  not_yet: number;
  /** Calls repeated because their answer was lost. */
  repeated: number;
  /** Due requests that were not sent because too many waited for an answer. */
  shed: number;
  /** Messages by what their caller was told. */
  applied: number;
  pending: number;
};

/** Traffic that runs from `start` to `stop`. */
export class Traffic {
  readonly told: Told;
  readonly latencies = new Latencies();
  readonly life: Life;
  /** Requests a second; may be changed at any time. */
  ratePerSecond: number;
  readonly #caller: Caller;
  readonly #counts: TrafficCounts = {
    requests: 0,
    failed: 0,
    not_yet: 0,
    repeated: 0,
    shed: 0,
    applied: 0,
    pending: 0,
  };
  /** Requests by what was asked for. */
  readonly #actions = new Map<string, number>();
  readonly #errors = new Map<string, number>();
  readonly #waiting = new Set<Promise<void>>();
  #timer: NodeJS.Timeout | undefined;

  constructor(options: TrafficOptions) {
    const { addresses, ratePerSecond, told = new Told(), connections = CONNECTIONS } = options;
    this.told = told;
    this.ratePerSecond = ratePerSecond;
    this.#caller = new Caller({ addresses, connections, told });
    this.life = new Life(this.#caller);
  }

  get counts(): Readonly<TrafficCounts> {
    return { ...this.#counts };
  }

  /** Requests by what was asked for. */
  get actions(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#actions);
  }

  /** Requests without an answer now. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** What went wrong, most frequent first: message and how often. */
  get errors(): [message: string, count: number][] {
    return [...this.#errors].sort(([, a], [, b]) => b - a);
  }

  start(): void {
    let dueMs = performance.now() + 1_000 / this.ratePerSecond;
    const sendDue = () => {
      const nowMs = performance.now();
      for (; dueMs <= nowMs; dueMs += 1_000 / this.ratePerSecond) this.#send(dueMs);
    };
    this.#timer ??= setInterval(sendDue, TICK_MS);
  }

  /** Sends nothing more and waits for the answers under way. Safe twice. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#timer = undefined;
    await Promise.all(this.#waiting);
  }

  /** Ends the connections as well. */
  async close(): Promise<void> {
    await this.stop();
    this.#caller.close();
  }

  #send(dueMs: number): void {
    if (this.#waiting.size >= MAX_WAITING) {
      this.#counts.shed += 1;
      return;
    }
    const answered = this.#request(dueMs).finally(() => this.#waiting.delete(answered));
    this.#waiting.add(answered);
  }

  async #request(dueMs: number): Promise<void> {
    const due = this.life.next();
    const result = await due.send();
    this.latencies.record(performance.now() - dueMs);
    this.#count(due, result);
  }

  #count({ action }: Due, { answer, tries, deliveries, isNotYet, error }: CallResult): void {
    this.#counts.requests += 1;
    this.#counts.repeated += tries - 1;
    this.#actions.set(action, (this.#actions.get(action) ?? 0) + 1);
    for (const { state } of deliveries) {
      if (state === 'applied') this.#counts.applied += 1;
      else this.#counts.pending += 1;
    }
    if (isNotYet) this.#counts.not_yet += 1;
    if (isNotYet || answer) return;
    this.#counts.failed += 1;
    const message = error ? `${error.code} ${error.message}` : 'refused';
    if (this.#errors.size < MAX_ERRORS || this.#errors.has(message))
      this.#errors.set(message, (this.#errors.get(message) ?? 0) + 1);
  }
}
