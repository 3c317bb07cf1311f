/**
 * Live traffic through the public APIs, as an open loop. Requests are due by the clock, whether
 * earlier ones were answered or not, and latency counts from the moment a request was due: when a
 * service stalls for a second, every request of that second shows it.
 */

import { Caller, type PublicAddresses } from './caller.ts';
import { History } from './history.ts';
import { LatencyRecorder } from './latencies.ts';
import type { CallResult } from './retry.ts';
import { type PlannedRequest, Workload } from './workload.ts';

/** How often due requests are sent. */
const TICK_MS = 5;
/** Requests in flight; above this the latencies would be the callers' own. */
const MAX_WAITING = 5_000;
const CONNECTIONS = 2;
/** Distinct errors kept for the report. */
const MAX_ERRORS = 10;

export interface TrafficOptions {
  readonly addresses: PublicAddresses;
  /** Requests a second. */
  readonly ratePerSecond: number;
  readonly history?: History;
  /** To each replica of each service. */
  readonly connections?: number;
}

export interface TrafficCounts {
  /** Requests that ended, successful or not. */
  requests: number;
  /** Requests that were not acknowledged after all retries. */
  failed: number;
  /** Refused because a change had not reached that service yet: asked again later. */
  not_yet: number;
  /** Retries after a lost answer. */
  repeated: number;
  /** Due requests that were not sent because too many were in flight. */
  shed: number;
  /** Messages by the delivery state in the answer. */
  applied: number;
  pending: number;
}

/** Traffic that runs from `start` to `stop`. */
export class Traffic {
  readonly history: History;
  readonly latencies = new LatencyRecorder();
  readonly workload: Workload;
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
  /** Requests by action. */
  readonly #actions = new Map<string, number>();
  readonly #errors = new Map<string, number>();
  readonly #waiting = new Set<Promise<void>>();
  #timer: NodeJS.Timeout | undefined;

  constructor(options: TrafficOptions) {
    const {
      addresses,
      ratePerSecond,
      history = new History(),
      connections = CONNECTIONS,
    } = options;
    this.history = history;
    this.ratePerSecond = ratePerSecond;
    this.#caller = new Caller({ addresses, connections, history });
    this.workload = new Workload(this.#caller);
  }

  get counts(): Readonly<TrafficCounts> {
    return { ...this.#counts };
  }

  /** Requests by action. */
  get actions(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#actions);
  }

  /** Requests in flight. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** Errors and how often each occurred, most frequent first. */
  get errors(): [message: string, count: number][] {
    return [...this.#errors].sort(([, a], [, b]) => b - a);
  }

  /** Requests that were not acknowledged or could not be sent. */
  get failedRequests(): number {
    return this.#counts.failed + this.#counts.shed;
  }

  /** From now on callers know managers by their nicknames. */
  forgetNames(): void {
    this.#caller.namesManagers = false;
  }

  start(): void {
    let dueMs = performance.now() + 1_000 / this.ratePerSecond;
    const sendDue = () => {
      const nowMs = performance.now();
      for (; dueMs <= nowMs; dueMs += 1_000 / this.ratePerSecond) this.#send(dueMs);
    };
    this.#timer ??= setInterval(sendDue, TICK_MS);
  }

  /** Sends nothing more and waits for the requests in flight. Safe twice. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#timer = undefined;
    await Promise.all(this.#waiting);
  }

  /** Also closes the connections. */
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
    const request = this.workload.next();
    const result = await request.send();
    this.latencies.record(performance.now() - dueMs);
    this.#count(request, result);
  }

  #count(
    { action }: PlannedRequest,
    { answer, tries, deliveries, isNotYet, error }: CallResult,
  ): void {
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
