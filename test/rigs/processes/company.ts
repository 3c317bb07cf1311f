/**
 * The whole company as processes on servers of their own, and whatever a test needs to live its
 * business: clients, traffic, and an engine that is part of the test's own process.
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { jetstreamManager } from '@nats-io/jetstream';
import { applyExpand } from '../../../db/schemaChanges.ts';
import { freeStackPorts } from '../../../dev/ports.ts';
import { createDatabase } from '../../../dev/servers/databases.ts';
import { cleanUpAll } from '../../../dev/servers/errors.ts';
import { makeRunDir } from '../../../dev/servers/folders.ts';
import { NOT_DURABLE } from '../../../dev/servers/postgres.ts';
import { type Stack, startStack } from '../../../dev/stack.ts';
import type { Engine } from '../../../migration/engine/engine.ts';
import { verifyLeg } from '../../../migration/leg/verify.ts';
import { type DescribedLink, Participants } from '../../../migration/participants.ts';
import type { Streams } from '../../../migration/plan.ts';
import { Provisioner } from '../../../operator/provisioner.ts';
import { silentLog } from '../../../runtime/log.ts';
import { connectNats, type NatsLink } from '../../../runtime/nats.ts';
import { closePostgres, connectPostgres, type Database } from '../../../runtime/postgres.ts';
import { removeUnlessKept } from '../../harness/keeping.ts';
import { lendPreparedData } from '../../harness/preparedData.ts';
import { until } from '../../harness/until.ts';
import { Business } from './business.ts';
import { openClients, type ServiceClients } from './clients.ts';
import { Desk } from './desk.ts';
import { ManagerTraffic } from './managerTraffic.ts';

const SERVICES = ['assessments', 'hiring', 'management', 'bonuses', 'finance'];

export interface ProcessCompanyOptions {
  /** Also the operator, as one more process. */
  readonly withOperator?: boolean;
}

export class ProcessCompany {
  readonly stack: Stack;
  readonly participants: Participants;
  readonly nats: NatsLink;
  readonly clients: ServiceClients;
  readonly #dir: string;
  readonly #engines = new Set<Engine>();
  #open: Database[] = [];
  #traffic: ManagerTraffic | Business | undefined;

  private constructor(stack: Stack, nats: NatsLink, dir: string) {
    this.stack = stack;
    this.nats = nats;
    this.#dir = dir;
    this.clients = openClients(stack.addresses);
    const { services } = stack.addresses;
    this.participants = new Participants(
      Object.fromEntries(
        Object.entries(services).map(([name, all]) => [name, all.map(({ grpc }) => grpc)]),
      ),
    );
  }

  static async start(options: ProcessCompanyOptions = {}): Promise<ProcessCompany> {
    const dir = await makeRunDir('test-company');
    const dataDir = join(dir, 'data');
    await lendPreparedData(join(dataDir, 'postgres'));
    const stack = await startStack({
      dataDir,
      ports: await freeStackPorts(),
      only: options.withOperator ? [...SERVICES, 'operator'] : SERVICES,
      env: { RELINK_LOG_LEVEL: 'warn' },
      postgresSettings: NOT_DURABLE,
    });
    const nats = await connectNats(stack.addresses.nats, { name: 'engine-test' });
    const company = new ProcessCompany(stack, nats, dir);
    if (!options.withOperator) await company.#makeStreams();
    return company;
  }

  /** What an operator does at its start. */
  async #makeStreams(): Promise<void> {
    const { participants, nats } = this;
    const streams: Streams = {
      manager: () => jetstreamManager(nats.connection),
      alone: (_link, work) => work(),
      isNeededByOthers: async () => true,
    };
    const provisioner = new Provisioner({
      ...{ participants, streams, log: silentLog },
      isActing: () => true,
    });
    await provisioner.provision();
  }

  async stop(): Promise<void> {
    await cleanUpAll('company of the test', [
      async () => await this.#traffic?.stop(),
      () => this.stopEngines(),
      ...Object.values(this.clients).map((client) => async () => client.close()),
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
        const link = (await this.participants.topology()).links.get(id);
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
    return new Desk(
      {
        participants: this.participants,
        nats: this.nats.connection,
        described: (id) => this.described(id),
        engines: this.#engines,
      },
      sql,
    );
  }

  /** Lives the whole business until the test's end: every link carries messages. */
  async startBusiness(): Promise<Business> {
    const business = new Business(this.clients);
    this.#traffic = business;
    await business.start();
    return business;
  }

  /** Registers managers and renames them until the test's end. */
  async startTraffic(managers = 40): Promise<ManagerTraffic> {
    const traffic = new ManagerTraffic(this.clients);
    this.#traffic = traffic;
    await traffic.start(managers);
    return traffic;
  }
}
