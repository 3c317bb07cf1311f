/**
 * Real services on real servers for tests of the engine, which is part of the test's own process.
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { applyExpand } from '../../db/schemaChanges.ts';
import { freeStackPorts } from '../../dev/ports.ts';
import { createDatabase } from '../../dev/servers/databases.ts';
import { cleanUpAll } from '../../dev/servers/errors.ts';
import { makeRunDir } from '../../dev/servers/folders.ts';
import { NOT_DURABLE } from '../../dev/servers/postgres.ts';
import { type Stack, startStack } from '../../dev/stack.ts';
import { AssessmentsService } from '../../gen/assessments/v1/assessments_service_pb.ts';
import { createRpcClient } from '../../link/rpc/client.ts';
import { Certificates } from '../../migration/certificate.ts';
import { Engine } from '../../migration/engine.ts';
import { Journal } from '../../migration/journal.ts';
import { giveOrder, type Order } from '../../migration/orders.ts';
import { Participants } from '../../migration/participants.ts';
import { isEnded, type RunState, type RunWithSteps } from '../../migration/run.ts';
import { type MoveRequest, resolveMove } from '../../migration/starting.ts';
import { verifyLeg } from '../../migration/verify.ts';
import { StreamDesk } from '../../operator/streams.ts';
import { silentLog } from '../../runtime/log.ts';
import { connectNats, type NatsLink } from '../../runtime/nats.ts';
import { closePostgres, connectPostgres, type Database } from '../../runtime/postgres.ts';
import { pause } from '../../runtime/wake.ts';
import { until } from '../harness/until.ts';
import { Business, PACE_MS } from './business.ts';

export const LINK = 'COMM-010';
/** Quick, and still every step and gate. */
export const QUICK: Readonly<Record<string, string>> = {
  soak_seconds: '0',
  canary_seconds: '0',
  shadow_seconds: '0',
  shadow_messages: '1',
  patience_seconds: '20',
};
/** A lease short enough that a test does not wait for a dead engine. */
const LEASE_MS = 2_000;
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
      async () => {
        for (const engine of this.#engines) await engine.stop();
      },
      async () => this.participants.close(),
      () => this.nats.close(),
      ...this.#open.map((sql) => () => closePostgres(sql)),
      () => this.stack.stop(),
      () => rm(this.#dir, { recursive: true, force: true }),
    ]);
  }

  /** A connection to a service's database. */
  database(service: string): Database {
    const sql = connectPostgres(this.stack.addresses.databases[service]!, { name: 'test', max: 2 });
    this.#open.push(sql);
    return sql;
  }

  /** Compares both sides of every leg of the link. */
  async assertNothingLost(id: string): Promise<void> {
    const { participants } = this;
    const link = (await participants.topology()).get(id)!;
    for (const consumer of link.producer.consumers) {
      const { findings } = await verifyLeg({ participants, link, consumer });
      const unequal = findings.filter(({ isEqual }) => !isEqual);
      assert.deepEqual(unequal, [], `${id}/${consumer}`);
    }
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

  async start(request: Partial<MoveRequest> & { to: string }): Promise<string> {
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
    const live = await this.journal.live();
    const { run, plan } = await resolveMove(this.company.participants, full, live);
    return (await this.journal.create(run, plan.steps)).run.id;
  }

  async order(runId: string, order: Order, confirm = ''): Promise<RunWithSteps> {
    return giveOrder(this.journal, { order, runId, actor: 'test', confirm });
  }

  /** Waits until the run is in the state; throws at once when it stops in another one. */
  async reached(runId: string, state: RunState, withinMs = 60_000): Promise<RunWithSteps> {
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
      { withinMs: 60_000, what: `run ${runId} is at ${name}` },
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
    this.#client = createRpcClient(AssessmentsService, addresses);
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
    await this.#running;
    this.#client.close();
  }
}
