/**
 * One link's producer and consumers inside the test's process, each with a database of its own, on a
 * real PostgreSQL and NATS. Routes are flipped as the engine does it; the oracle compares databases.
 */
import { randomUUID } from 'node:crypto';
import { jetstreamManager } from '@nats-io/jetstream';
import { applyExpand, type DatabaseName } from '../../db/schemaChanges.ts';
import { freePorts } from '../../dev/ports.ts';
import { cleanUpAll } from '../../dev/servers/errors.ts';
import type { NatsServer } from '../../dev/servers/nats.ts';
import { setListening } from '../../link/consume/listening.ts';
import { ensureConsumer, ensureStream } from '../../link/consume/provision.ts';
import { LinkError } from '../../link/errors.ts';
import type { Handler } from '../../link/inbox/handler.ts';
import type { ReceiverLimits } from '../../link/inbox/receiver.ts';
import { ALL_LANES, type LinkDefinition, legOf, type Transport } from '../../link/link.ts';
import { type Enqueued, enqueue } from '../../link/outbox/enqueue.ts';
import { changeRoute, prepareRoutes, readRoutes } from '../../link/relay/routes.ts';
import { type OutboxRow, readRows } from '../../link/relay/rows.ts';
import { connectNats } from '../../runtime/nats.ts';
import { closePostgres, connectPostgres, type Database } from '../../runtime/postgres.ts';
import { pause } from '../../runtime/wake.ts';
import { links } from '../../services/links.ts';
import { testNats } from '../harness/nats.ts';
import type { Owner } from '../harness/owner.ts';
import { type TestDatabase, testDatabase } from '../harness/postgres.ts';
import { until } from '../harness/until.ts';
import { fixtureOf, type LinkFixture } from './fixtures.ts';
import { ServiceNode } from './node.ts';
import { oracle, recordEffects } from './oracle.ts';

/** Retries that do not keep a test waiting; the shape is the same. */
const QUICK_LIMITS: Partial<ReceiverLimits> = {
  handlerTimeoutMs: 2_000,
  maxAttempts: 3,
  backoff: { baseMs: 20, capMs: 100 },
};
/** The writers of a test need not wait for the disk; the services' own connections do. */
const NOT_SYNCED = { synchronous_commit: 'off' };
const ADOPTED_LIMIT_MS = 60_000;

export interface CompanyOptions {
  readonly link: string;
  /** All lanes start on it; the link's own starting transport unless given. */
  readonly transport?: Transport;
  /** Handlers in place of the consumers' own, made from these. */
  readonly wrap?: (handler: Handler, consumer: string) => Handler;
  readonly limits?: Partial<ReceiverLimits>;
  /** Where a service finds a server instead of directly: through a proxy. */
  readonly postgresUrl?: (service: string, url: string) => string | Promise<string>;
  readonly natsUrl?: (service: string, url: string) => string | Promise<string>;
  readonly address?: (consumer: string, address: string) => string | Promise<string>;
  /** Services that run as processes of the test's own making. */
  readonly elsewhere?: readonly string[];
}

export class Company {
  readonly link: LinkDefinition;
  readonly fixture: LinkFixture;
  readonly nats: NatsServer;
  readonly databases: ReadonlyMap<string, TestDatabase>;
  /** Connections of the test itself. */
  readonly sqlOf: ReadonlyMap<string, Database>;
  /** host:port of each service's gRPC server. */
  readonly addresses: ReadonlyMap<string, string>;
  readonly nodes = new Map<string, ServiceNode>();
  readonly #options: CompanyOptions;

  private constructor(
    options: CompanyOptions,
    nats: NatsServer,
    databases: ReadonlyMap<string, TestDatabase>,
    addresses: ReadonlyMap<string, string>,
  ) {
    this.#options = options;
    this.link = links[options.link]!;
    this.fixture = fixtureOf(options.link);
    this.nats = nats;
    this.databases = databases;
    this.addresses = addresses;
    this.sqlOf = new Map(
      [...databases].map(([service, { url }]) => [
        service,
        connectPostgres(url, { name: `test/${service}`, max: 12, session: NOT_SYNCED }),
      ]),
    );
  }

  static async start(t: Owner, options: CompanyOptions): Promise<Company> {
    const link = links[options.link]!;
    const services = [link.producer, ...Object.keys(link.consumers)];
    const nats = await testNats(t);
    const databases = new Map<string, TestDatabase>();
    for (const service of services)
      databases.set(service, await testDatabase(t, template(service)));
    const ports = await freePorts(services.length);
    const addresses = new Map(services.map((name, i) => [name, `127.0.0.1:${ports[i]}`]));
    const company = new Company(options, nats, databases, addresses);
    t.after(() => company.stop());
    await company.#prepare();
    for (const name of [...company.consumers, link.producer])
      if (!options.elsewhere?.includes(name)) await company.startNode(name);
    return company;
  }

  get consumers(): string[] {
    return Object.keys(this.link.consumers);
  }

  get producer(): Database {
    return this.sqlOf.get(this.link.producer)!;
  }

  async #prepare(): Promise<void> {
    await this.provision();
    await prepareRoutes(this.producer, [this.link]);
    const { transport } = this.#options;
    for (const consumer of this.consumers) {
      const sql = this.sqlOf.get(consumer)!;
      await setListening(sql, this.link.id, true);
      await recordEffects(sql, this.fixture.replicas[consumer]!);
      if (transport) await this.flip(consumer, ALL_LANES, transport, false);
    }
    if (!transport) return;
    // Nobody relays yet: the lanes are adopted as they would have been long ago.
    await this.producer`update relink.routes set adopted_transport = transport,
      adopted_version = version, adopted_epoch = epoch`;
  }

  /** What the engine's prepare step does: the stream and the durable consumers. */
  async provision(): Promise<void> {
    const { connection, close } = await connectNats(this.nats.url, { name: 'provision' });
    try {
      const manager = await jetstreamManager(connection);
      await ensureStream(manager, this.link.id);
      for (const consumer of this.consumers) await ensureConsumer(manager, this.link.id, consumer);
    } finally {
      await close();
    }
  }

  // ---- nodes ----

  /** Starts one more replica, by default the service's only one. */
  async startNode(service: string, instance = `${service}-1`): Promise<ServiceNode> {
    const { wrap = (handler) => handler, limits = {}, ...options } = this.#options;
    const asIs = (_service: string, url: string) => url;
    const peers: Record<string, string[]> = {};
    for (const consumer of this.consumers)
      peers[consumer] = [await (options.address ?? asIs)(consumer, this.addresses.get(consumer)!)];
    const own = this.fixture.handlers[service];
    const isFirst = instance === `${service}-1`;
    const node = new ServiceNode({
      service,
      instance,
      port: isFirst ? Number(this.addresses.get(service)!.split(':')[1]) : 0,
      postgresUrl: await (options.postgresUrl ?? asIs)(service, this.databases.get(service)!.url),
      natsUrl: await (options.natsUrl ?? asIs)(service, this.nats.url),
      links: { [this.link.id]: this.link },
      peers,
      handlers: own ? { [this.link.id]: wrap(own, service) } : {},
      limits: { ...QUICK_LIMITS, ...limits },
    });
    this.nodes.set(instance, node);
    await node.start();
    return node;
  }

  async stopNode(instance: string): Promise<void> {
    const node = this.nodes.get(instance);
    this.nodes.delete(instance);
    await node?.stop();
  }

  async stop(): Promise<void> {
    const nodes = [...this.nodes.keys()].map((instance) => this.stopNode(instance));
    await cleanUpAll('company of the test', [
      ...nodes.map((stopping) => () => stopping),
      ...[...this.sqlOf.values()].map((sql) => () => closePostgres(sql)),
    ]);
  }

  // ---- traffic ----

  /** One business transaction; answers its outbox rows. `before` runs in it, before the commit. */
  async write(key: string = randomUUID(), before?: () => Promise<void>): Promise<Enqueued[]> {
    return this.producer.begin(async (tx) => {
      const message = await this.fixture.act(tx, key, `Ada ${Math.random().toString(36).slice(2)}`);
      const rows = await enqueue(tx, this.link, [message]);
      await before?.();
      return rows;
    }) as Promise<Enqueued[]>;
  }

  /** `count` transactions over `keys` keys, some at once. */
  async writeMany(count: number, keys: readonly string[]): Promise<void> {
    const writers = Array.from({ length: 4 }, async (_, writer) => {
      for (let i = writer; i < count; i += 4) await this.write(keys[i % keys.length]);
    });
    await Promise.all(writers);
  }

  /** Writes until `stop` is called, at most every `everyMs` a writer; answers how many committed. */
  writeContinuously(
    keys: readonly string[],
    writers = 4,
    everyMs = 0,
  ): { stop(): Promise<number> } {
    let isStopped = false;
    const running = Array.from({ length: writers }, async () => {
      let committed = 0;
      while (!isStopped) {
        await this.write(keys[Math.floor(Math.random() * keys.length)]);
        committed += 1;
        await pause(everyMs);
      }
      return committed;
    });
    return {
      stop: async () => {
        isStopped = true;
        return (await Promise.all(running)).reduce((sum, one) => sum + one, 0);
      },
    };
  }

  /** Open outbox rows of the link. */
  async countOpen(): Promise<number> {
    const [row] = await this.producer<{ open: number }[]>`
      select count(*)::int as open from relink.outbox`;
    return row!.open;
  }

  /** Messages in the link's stream. */
  async countStored(): Promise<number> {
    const { connection, close } = await connectNats(this.nats.url, { name: 'count' });
    try {
      const manager = await jetstreamManager(connection);
      return (await manager.streams.info(this.link.id)).state.messages;
    } finally {
      await close();
    }
  }

  /** Every open outbox row of a leg as the relay reads it. */
  async openRows(consumer: string): Promise<OutboxRow[]> {
    const leg = legOf(this.link.id, consumer);
    const rows = await this.producer<{ seq: number }[]>`
      select seq::float8 as seq from relink.outbox where leg = ${leg}`;
    return readRows(
      this.producer,
      leg,
      rows.map((row) => row.seq),
    );
  }

  // ---- routes ----

  /** Gives lanes of a leg a new route as the engine does; waits while a change is pending there. */
  async flip(
    consumer: string,
    lanes: readonly number[],
    transport: Transport,
    hold: boolean,
  ): Promise<bigint> {
    const { link } = this;
    const { version } = link.starts;
    return until(
      async () => {
        const routes = await readRoutes(this.producer, legOf(link.id, consumer));
        const epochs = routes.filter((one) => lanes.includes(one.lane)).map((one) => one.epoch);
        const expectedEpoch = epochs.sort((a, b) => Number(a - b)).at(-1)!;
        const change = { link, consumer, lanes, transport, version, expectedEpoch, hold };
        return changeRoute(this.producer, change).catch((error: unknown) => {
          if (error instanceof LinkError && error.code.startsWith('ROUTE_')) return undefined;
          throw error;
        });
      },
      { withinMs: ADOPTED_LIMIT_MS, what: `${consumer} takes a new route` },
    ) as Promise<bigint>;
  }

  /** Waits until the lane's owner dispatches every lane of the leg by its newest route. */
  async waitUntilAdopted(consumer: string): Promise<void> {
    await until(
      async () => {
        const routes = await readRoutes(this.producer, legOf(this.link.id, consumer));
        const pending = routes.filter((one) => one.epoch > one.adopted.epoch);
        if (pending.length === 0) return true;
        throw new Error(`lanes ${pending.map((one) => one.lane)} are pending`);
      },
      { withinMs: ADOPTED_LIMIT_MS, what: `${consumer}'s lanes adopt their routes` },
    );
  }

  // ---- proof ----

  /** What every test ends with; see oracle.ts. */
  async oracle(givenUp?: Readonly<Record<string, readonly string[]>>): Promise<void> {
    await oracle({
      link: this.link,
      fixture: this.fixture,
      producer: this.producer,
      consumers: Object.fromEntries(this.consumers.map((name) => [name, this.sqlOf.get(name)!])),
      ...(givenUp && { givenUp }),
    });
  }
}

function template(service: string) {
  return {
    name: `service_${service}`,
    fill: (url: string) => applyExpand(url, ['link', service as DatabaseName]),
  };
}

/** `count` keys of a formal link: ids of entities. */
export function someKeys(count: number): string[] {
  return Array.from({ length: count }, () => randomUUID());
}
