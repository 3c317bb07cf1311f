/**
 * The engine: holds the lease, and carries every live run on from where its record says it is. It
 * keeps nothing in memory that matters, so it may die between any two statements: the next
 * holder of the lease reads the same record and repeats at most one step, and every step is idempotent.
 */

import { randomUUID } from 'node:crypto';
import { FailpointError } from '../../runtime/failpoints.ts';
import type { Agent } from '../../runtime/lifecycle.ts';
import type { Log } from '../../runtime/log.ts';
import type { Database } from '../../runtime/postgres.ts';
import { type Repeater, repeat } from '../../runtime/wake.ts';
import type { CertificateStore } from '../certificate.ts';
import { MigrationError } from '../errors.ts';
import type { Participants } from '../participants.ts';
import type { RunCommand, Streams } from '../plan.ts';
import type { Journal } from '../run/journal.ts';
import { nextAction } from '../run/life.ts';
import { Lease } from './lease.ts';
import { WaitingRuns } from './waitingRuns.ts';
import { RunWorker } from './worker.ts';

/** How soon a run that another process started is noticed. */
const POLL_MS = 250;
/** Renewals per lease duration: two in a row may fail. */
const RENEWALS = 4;
const STOP_LIMIT_MS = 5_000;

export interface EngineOptions {
  readonly sql: Database;
  readonly instance: string;
  readonly log: Log;
  readonly journal: Journal;
  readonly participants: Participants;
  readonly streams: Streams;
  readonly certificates: CertificateStore;
  /** Absent where no commands may be run. */
  readonly runCommand?: RunCommand | undefined;
  readonly leaseMs?: number;
  /** Called after each change of a run, for those who watch it. */
  readonly onChange?: (runId: string) => void;
}

interface Working {
  readonly worker: RunWorker;
  readonly ended: Promise<void>;
}

export class Engine implements Agent {
  readonly name = 'migration engine';
  readonly #options: EngineOptions;
  readonly #lease: Lease;
  readonly #waiting: WaitingRuns;
  readonly #working = new Map<string, Working>();
  readonly #crashed = Promise.withResolvers<void>();
  #renewing: Repeater | undefined;
  #looking: Repeater | undefined;
  #isStopped = false;

  constructor(options: EngineOptions) {
    this.#options = options;
    const { sql, instance, log, leaseMs: durationMs } = options;
    // A term belongs to a process, not to a name: two engines of the same name must not share it, and a
    // restarted one must fence its predecessor.
    const owner = `${instance}/${randomUUID()}`;
    this.#lease = new Lease({ sql, owner, log, ...(durationMs ? { durationMs } : {}) });
    this.#waiting = new WaitingRuns({ ...options, lease: this.#lease });
  }

  start(): void {
    const { log } = this.#options;
    this.#renewing ??= repeat(
      this.#lease.durationMs / RENEWALS,
      () => this.#renew(),
      (error) => log.warn({ err: error }, 'the lease could not be renewed'),
    );
    this.#looking ??= repeat(
      POLL_MS,
      () => this.#look(),
      (error) => log.warn({ err: error }, 'live runs could not be read'),
    );
  }

  /** Whether this engine is the active one. */
  get isActing(): boolean {
    return this.#lease.held !== undefined;
  }

  /** A person started or changed a run: look at it now. */
  wake(runId?: string): void {
    if (runId) this.#working.get(runId)?.worker.interrupt();
    this.#looking?.wake();
  }

  /** Resolves when a failpoint ended this engine as a crash would: nothing more is recorded. */
  get crashed(): Promise<void> {
    return this.#crashed.promise;
  }

  /** Interrupts what is under way (it will be repeated) and lets another engine act. Safe twice. */
  async stop(): Promise<void> {
    if (this.#isStopped) return;
    this.#isStopped = true;
    await this.#halt();
    await this.#lease.release();
  }

  async #halt(): Promise<void> {
    for (const { worker } of this.#working.values()) worker.stop();
    await Promise.all([this.#looking?.stop(), this.#renewing?.stop()]);
    let timer: NodeJS.Timeout | undefined;
    const limit = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, STOP_LIMIT_MS);
    });
    await Promise.race([limit, Promise.all([...this.#working.values()].map((one) => one.ended))]);
    clearTimeout(timer);
  }

  async #renew(): Promise<void> {
    const wasActing = this.isActing;
    const isActing = await this.#lease.refresh();
    if (!isActing) for (const { worker } of this.#working.values()) worker.stop();
    if (isActing && !wasActing) this.#looking?.wake();
  }

  async #look(): Promise<void> {
    if (!this.isActing || this.#isStopped) return;
    const live = await this.#options.journal.live();
    // The engine may have stopped while the runs were read: a worker started now would outlive it.
    if (!this.isActing || this.#isStopped) return;
    this.#waiting.look(live);
    for (const run of live) {
      const working = this.#working.get(run.id);
      // Another process recorded an order: interrupt what is under way.
      if (working && working.worker.knownState !== run.state) working.worker.interrupt();
      if (working) continue;
      // A run that waits for a person needs no worker, only a look at its lanes now and then.
      if (nextAction({ run, steps: [] }).kind === 'none') continue;
      this.#work(run.id);
    }
  }

  #work(runId: string): void {
    const { onChange } = this.#options;
    const worker = new RunWorker(runId, {
      ...this.#options,
      lease: this.#lease,
      onChange: () => onChange?.(runId),
    });
    const ended = worker
      .run()
      .catch((error: unknown) => this.#afterFailure(runId, error))
      .finally(() => this.#working.delete(runId));
    this.#working.set(runId, { worker, ended });
  }

  #afterFailure(runId: string, error: unknown): void {
    const { log } = this.#options;
    if (error instanceof FailpointError) return this.#crash();
    const isExpected = error instanceof MigrationError && error.code === 'LEASE_LOST';
    log[isExpected ? 'info' : 'error']({ err: error, run: runId }, 'stopped working on a run');
  }

  /** Stops at once, like a killed process: no lease is given back. */
  #crash(): void {
    this.#isStopped = true;
    for (const { worker } of this.#working.values()) worker.stop();
    void Promise.all([this.#looking?.stop(), this.#renewing?.stop()]).then(() =>
      this.#crashed.resolve(),
    );
  }
}
