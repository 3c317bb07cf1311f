/**
 * Real services on real servers for tests of the engine, which is part of the test's own process.
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { applyExpand } from '../../db/schemaChanges.ts';
import { freeStackPorts } from '../../dev/ports.ts';
import { createDatabase } from '../../dev/servers/databases.ts';
import { cleanUpAll } from '../../dev/servers/errors.ts';
import { makeRunDir } from '../../dev/servers/folders.ts';
import { NOT_DURABLE } from '../../dev/servers/postgres.ts';
import { type Stack, startStack } from '../../dev/stack.ts';
import { AssessmentsService } from '../../gen/assessments/v1/assessments_service_pb.ts';
import { Certificates } from '../../migration/certificate.ts';
import { Engine } from '../../migration/engine.ts';
import { Journal } from '../../migration/journal.ts';
import { giveOrder, type Order } from '../../migration/orders.ts';
import { type DescribedLink, Participants } from '../../migration/participants.ts';
import { isEnded, type RunState, type RunWithSteps } from '../../migration/run.ts';
import { type MoveRequest, resolveMove } from '../../migration/starting.ts';
import { verifyLeg } from '../../migration/verify.ts';
import { StreamDesk } from '../../operator/streams.ts';
import { createRpcClient } from '../../rpc/client.ts';
import { silentLog } from '../../runtime/log.ts';
import { connectNats, type NatsLink } from '../../runtime/nats.ts';
import { closePostgres, connectPostgres, type Database } from '../../runtime/postgres.ts';
import { pause } from '../../runtime/wake.ts';
import { links } from '../../services/links.ts';
import { removeUnlessKept } from '../harness/keeping.ts';
import { until } from '../harness/until.ts';
import { Business, CALM, PACE_MS } from './business.ts';

export const LINK = 'COMM-010';
/**
 * Quick, and still every step and gate. What a gate measures is what a busy machine is slow at: tests
 * of a gate set a limit of their own.
 */
export const QUICK: Readonly<Record<string, string>> = {
  soak_seconds: '0',
  canary_seconds: '0',
  shadow_seconds: '0',
  shadow_messages: '1',
  patience_seconds: '60',
  lag_limit_ms: '60000',
  latency_limit_ms: '60000',
  error_rate_limit: '0.5',
};
/** An engine that is only slow keeps it; that of a dead one is ended by the test. */
const LEASE_MS = 10_000;
/** Above the patience of a gate and the time to go back. */
const RUN_LIMIT_MS = 150_000;
const SERVICES = ['assessments', 'hiring', 'management', 'bonuses', 'finance'];

export class Company {
  readonly stack: Stack;
  readonly participants: Participants;
  readonly nats: NatsLink;
  readonly #dir: string;
  readonly #engines = new Set<Engine>();
  #open: Database[] = [];
  #traffic: Traffic | Business | undefined;

  private constructor(stack: Stack, nats: NatsLink, dir: string) {
    this.stack = stack;
    this.nats = nats;
    this.#dir = dir;
    const { services } = stack.addresses;
    this.participants = new Participants(
      Object.fromEntries(
        Object.entries(services).map(([name, all]) => [name, all.map(({ grpc }) => grpc)]),
      ),
    );
  }

  static async start(
    env: Record<string, string> = {},
    { withOperator = false } = {},
  ): Promise<Company> {
    const dir = await makeRunDir('test-company');
    const stack = await startStack({
      dataDir: join(dir, 'data'),
      ports: await freeStackPorts(),
      only: withOperator ? [...SERVICES, 'operator'] : SERVICES,
      env: { RELINK_LOG_LEVEL: 'warn', ...env },
      postgresSettings: NOT_DURABLE,
    });
    const nats = await connectNats(stack.addresses.nats, { name: 'engine-test' });
    return new Company(stack, nats, dir);
  }

  async stop(): Promise<void> {
    await cleanUpAll('company of the test', [
      async () => await this.#traffic?.stop(),
      () => this.stopEngines(),
      async () => this.participants.close(),
      () => this.nats.close(),
      ...this.#open.map((sql) => () => closePostgres(sql)),
      () => this.stack.stop(),
      () => removeUnlessKept(this.#dir),
    ]);
  }

  /** No engine goes on, also of a test that failed: it would move the links of the next one. */
  async stopEngines(): Promise<void> {
    const engines = [...this.#engines];
    this.#engines.clear();
    await Promise.all(engines.map((engine) => engine.stop()));
  }

  /** A connection to a service's database. */
  database(service: string): Database {
    const sql = connectPostgres(this.stack.addresses.databases[service]!, { name: 'test', max: 2 });
    this.#open.push(sql);
    return sql;
  }

  /** The link as its producer and all its consumers describe it: a busy one is asked again. */
  async described(id: string): Promise<DescribedLink> {
    const link = await until(
      async () => {
        const link = (await this.participants.topology()).get(id);
        return link?.consumers.size === link?.producer.consumers.length ? link : undefined;
      },
      { what: `all services of ${id} answer` },
    );
    return link!;
  }

  /** Compares both sides of every leg of the link, again while something is on its way. */
  async assertNothingLost(id: string): Promise<void> {
    const { participants } = this;
    const link = await this.described(id);
    for (const consumer of link.producer.consumers)
      await until(
        async () => {
          const { findings } = await verifyLeg({ participants, link, consumer });
          const unequal = findings.filter(({ isEqual }) => !isEqual);
          assert.deepEqual(unequal, []);
          return true;
        },
        { what: `both sides of ${id}/${consumer} are equal` },
      );
  }

  /** An operator's database of its own, with nothing in it yet. */
  async desk(): Promise<Desk> {
    const name = `desk_${randomBytes(4).toString('hex')}`;
    const url = await createDatabase(this.stack.addresses.postgres, name);
    await applyExpand(url, ['operator']);
    const sql = connectPostgres(url, { name: 'engine-test' });
    this.#open.push(sql);
    return new Desk(this, sql, this.#engines);
  }

  /** Lives the whole business until the test's end: every link carries messages. */
  async startBusiness(): Promise<Business> {
    const of = (name: string) => this.stack.addresses.services[name]!.map(({ grpc }) => grpc);
    this.#traffic = new Business({
      assessments: of('assessments'),
      hiring: of('hiring'),
      management: of('management'),
    });
    await this.#traffic.start();
    return this.#traffic;
  }

  /** Registers managers and renames them until the test's end. */
  async startTraffic(managers = 40): Promise<Traffic> {
    const addresses = this.stack.addresses.services.assessments!.map(({ grpc }) => grpc);
    const traffic = new Traffic(addresses);
    this.#traffic = traffic;
    await traffic.start(managers);
    return traffic;
  }
}

/** What an operator has: journal, certificates, and engines that a test may let die. */
export class Desk {
  readonly company: Company;
  readonly sql: Database;
  readonly journal: Journal;
  readonly certificates: Certificates;
  readonly #engines: Set<Engine>;
  #count = 0;

  constructor(company: Company, sql: Database, engines: Set<Engine>) {
    this.company = company;
    this.sql = sql;
    this.journal = new Journal(sql);
    this.certificates = new Certificates(sql, 'test');
    this.#engines = engines;
  }

  engine(): Engine {
    this.#count += 1;
    const engine = new Engine({
      sql: this.sql,
      instance: `engine-${this.#count}`,
      log: silentLog,
      journal: this.journal,
      participants: this.company.participants,
      streams: new StreamDesk(this.company.nats.connection, this.journal),
      certificates: this.certificates,
      leaseMs: LEASE_MS,
    });
    this.#engines.add(engine);
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
    if (!isAway && links[full.link]) await this.company.described(full.link);
    const live = await this.journal.live();
    const { run, plan } = await resolveMove(this.company.participants, full, live);
    return (await this.journal.create(run, plan.steps)).run.id;
  }

  async order(runId: string, order: Order, confirm = ''): Promise<RunWithSteps> {
    return giveOrder(this.journal, { order, runId, actor: 'test', confirm });
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

export class Traffic {
  readonly #client: ReturnType<typeof createRpcClient<typeof AssessmentsService>>;
  #isStopping = false;
  #running: Promise<void> = Promise.resolve();
  readonly ids: string[] = [];
  /** Managers that are never renamed: no live event replaces what is lost of them. */
  readonly quiet: string[] = [];
  updates = 0;

  constructor(addresses: string[]) {
    this.#client = createRpcClient(AssessmentsService, addresses, CALM);
  }

  async start(managers: number): Promise<void> {
    for (let i = 0; i < managers; i += 1) {
      const { manager } = await this.#client.registerManager({
        firstName: 'Ada',
        lastName: `Lovelace ${i}`,
      });
      (i % 2 === 0 ? this.ids : this.quiet).push(manager!.managerId);
    }
    this.#running = this.#rename();
    this.#running.catch(() => {}); // `stop` awaits it and reports
  }

  async #rename(): Promise<void> {
    while (!this.#isStopping) {
      const managerId = this.ids[this.updates % this.ids.length]!;
      this.updates += 1;
      await pause(PACE_MS);
      await this.#client.updateManager({
        managerId,
        firstName: 'Ada',
        lastName: `Lovelace ${this.updates}`,
      });
    }
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    try {
      await this.#running;
    } finally {
      this.#client.close();
    }
  }
}
