/** What an operator has, inside the test's process: a database, a journal, and engines that may die. */
import type { NatsConnection } from '@nats-io/transport-node';
import { Certificates } from '../../../migration/certificate.ts';
import { Engine } from '../../../migration/engine/engine.ts';
import type { DescribedLink, Participants } from '../../../migration/participants.ts';
import { Journal } from '../../../migration/run/journal.ts';
import { giveOrder, type Order } from '../../../migration/run/orders.ts';
import { isEnded, type RunState, type RunWithSteps } from '../../../migration/run/record.ts';
import { type MoveRequest, resolveMove } from '../../../migration/run/starting.ts';
import { LinkStreams } from '../../../operator/streams.ts';
import { silentLog } from '../../../runtime/log.ts';
import type { Database } from '../../../runtime/postgres.ts';
import { links } from '../../../services/links.ts';
import { until } from '../../harness/until.ts';

export const LINK = 'COMM-010';
/**
 * Quick, and still every step and gate. What a gate measures is what a busy machine is slow at: tests
 * of a gate set a limit of their own.
 */
export const QUICK: Readonly<Record<string, string>> = {
  soak_seconds: '0.2',
  canary_seconds: '0.2',
  shadow_seconds: '0',
  shadow_messages: '1',
  patience_seconds: '60',
  lag_limit_ms: '200',
  // Few keys are in the canary lane: where none is, a probe is enough.
  allow_idle: '1',
  lane_messages: '1',
  latency_limit_ms: '60000',
  error_rate_limit: '0.5',
};
/** An engine that is only slow keeps it; that of a dead one is ended by the test. */
const LEASE_MS = 10_000;
/** Above the patience of a gate and the time to go back. */
const RUN_LIMIT_MS = 150_000;

/** What the engines of a desk work on. */
export interface DeskSurroundings {
  readonly participants: Participants;
  readonly nats: NatsConnection;
  /** Waits until the link is described by its producer and all its consumers. */
  described(id: string): Promise<DescribedLink>;
  /** Engines that are running, for whoever stops them all. */
  readonly engines: Set<Engine>;
}

/** What an operator has: journal, certificates, and engines that a test may let die. */
export class Desk {
  readonly #around: DeskSurroundings;
  readonly sql: Database;
  readonly journal: Journal;
  readonly certificates: Certificates;
  #count = 0;

  constructor(around: DeskSurroundings, sql: Database) {
    this.#around = around;
    this.sql = sql;
    this.journal = new Journal(sql);
    this.certificates = new Certificates(sql, 'test');
  }

  engine(): Engine {
    this.#count += 1;
    const engine = new Engine({
      sql: this.sql,
      instance: `engine-${this.#count}`,
      log: silentLog,
      journal: this.journal,
      participants: this.#around.participants,
      streams: new LinkStreams(this.#around.nats, this.journal),
      certificates: this.certificates,
      leaseMs: LEASE_MS,
    });
    this.#around.engines.add(engine);
    engine.start();
    return engine;
  }

  /** As if the time of a dead engine's lease had run out. */
  async expireLease(): Promise<void> {
    await this.sql`update migration.leases set expires_at = '-infinity'`;
  }

  /** Creates the run; `isAway` when a service of the link does not run. */
  async start(
    request: Partial<MoveRequest> & { to: string },
    { isAway = false } = {},
  ): Promise<string> {
    const { settings, ...rest } = request;
    const full: MoveRequest = {
      link: LINK,
      consumer: '',
      wayBack: 'keep',
      isStepByStep: false,
      isHeld: true,
      actor: 'test',
      ...rest,
      settings: { ...QUICK, ...settings },
    };
    if (!isAway && Object.hasOwn(links, full.link)) await this.#around.described(full.link);
    const live = await this.journal.live();
    const { run, plan } = await resolveMove(this.#around.participants, full, live);
    return (await this.journal.create(run, plan.steps)).run.id;
  }

  async order(runId: string, order: Order, confirm = '', accept = ''): Promise<RunWithSteps> {
    const { participants } = this.#around;
    return giveOrder(
      { journal: this.journal, participants },
      { order, runId, actor: 'test', confirm, accept },
    );
  }

  /** Waits until the run is in the state; throws at once when it stops in another one. */
  async reached(runId: string, state: RunState, withinMs = RUN_LIMIT_MS): Promise<RunWithSteps> {
    const current = await until(
      async () => {
        const now = (await this.journal.read(runId))!;
        const isStopped = now.run.state === 'paused' || isEnded(now.run);
        return now.run.state === state || isStopped ? now : undefined;
      },
      { withinMs, what: `run ${runId} is ${state}` },
    );
    const { run } = current!;
    if (run.state !== state) throw new Error(`run is ${run.state}, not ${state}: ${run.problem}`);
    return current!;
  }

  /** Waits until the run works at the step. */
  async isAt(runId: string, name: string): Promise<void> {
    await until(
      async () => {
        const current = await this.journal.read(runId);
        return current!.steps.some((step) => step.name === name && step.state === 'running');
      },
      { withinMs: RUN_LIMIT_MS, what: `run ${runId} is at ${name}` },
    );
  }

  /** Lets a run go all the way, with the confirmation it asks for. */
  async runToEnd(to: string, link = LINK): Promise<RunWithSteps> {
    const id = await this.start({ to, link });
    await this.reached(id, 'waiting');
    await this.order(id, 'complete', link);
    return this.reached(id, 'completed');
  }
}
