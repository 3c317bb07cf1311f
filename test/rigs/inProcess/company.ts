/**
 * The producer and the consumers of a link (and of others beside it) inside the test's process, each
 * with a database of its own, on a real PostgreSQL and NATS. The oracle compares databases.
 */
import { randomUUID } from 'node:crypto';
import { type JetStreamManager, jetstreamManager } from '@nats-io/jetstream';
import { applyExpand, type DatabaseName } from '../../../db/schemaChanges.ts';
import { freePorts } from '../../../dev/ports.ts';
import { createDatabase } from '../../../dev/servers/databases.ts';
import { cleanUpAll } from '../../../dev/servers/errors.ts';
import type { NatsServer } from '../../../dev/servers/nats.ts';
import type { PostgresServer } from '../../../dev/servers/postgres.ts';
import type { Handler } from '../../../link/inbox/handler.ts';
import {
  ALL_LANES,
  type LinkDefinition,
  legOf,
  linkOf,
  type Transport,
} from '../../../link/link.ts';
import { enqueue } from '../../../link/outbox/enqueue.ts';
import type { Enqueued } from '../../../link/outbox/message.ts';
import { type OutboxRow, readRows } from '../../../link/outbox/openRows.ts';
import { prepareRoutes } from '../../../link/relay/routes.ts';
import { parseReleases, releasedAs } from '../../../link/release.ts';
import { setListening } from '../../../link/transport/jetStream/listening.ts';
import type { StreamDemand } from '../../../link/transport/jetStream/provision.ts';
import { connectNats } from '../../../runtime/nats.ts';
import { closePostgres, connectPostgres, type Database } from '../../../runtime/postgres.ts';
import { pause } from '../../../runtime/wake.ts';
import { links } from '../../../services/links.ts';
import { testNats } from '../../harness/nats.ts';
import type { Owner } from '../../harness/owner.ts';
import { type TestDatabase, testDatabase } from '../../harness/postgres.ts';
import type { LinkFixture } from '../fixtures/fixture.ts';
import { fixtureOf } from '../fixtures/fixtureOf.ts';
import { oracle } from '../oracle/linkOracle.ts';
import type { ServiceNode } from './node.ts';
import { handlerOf, Nodes, type NodesOptions } from './nodes.ts';
import { prepareRecording } from './recording.ts';
import { flipRoute, provision, waitUntilAdopted } from './routes.ts';

/** The writers of a test need not wait for the disk; the services' own connections do. */
const NOT_SYNCED = { synchronous_commit: 'off' };
/** Keys of a formal link: few, with many versions, for there order and repetition can hurt. */
const ENTITIES = 12;

export interface InProcessOptions extends NodesOptions {
  readonly link: string;
  /** All lanes start on it; the link's own starting transport unless given. */
  readonly transport?: Transport;
  /** Further links of these services, and what they start on. */
  readonly beside?: Readonly<Record<string, Transport>>;
  /** RELINK_RELEASE of the build whose business transactions the test writes; the newest by default. */
  readonly writesAs?: string;
  /** Services that run as processes of the test's own making. */
  readonly elsewhere?: readonly string[];
  /** Servers of their own, for services whose database goes back in time. */
  readonly servers?: Readonly<Record<string, PostgresServer>>;
  /** The configuration of nats-server. */
  readonly natsConfig?: string;
  /** What all links demand of their streams. */
  readonly streamDemand?: StreamDemand;
}

export class InProcessCompany {
  readonly link: LinkDefinition;
  readonly fixture: LinkFixture;
  readonly nats: NatsServer;
  readonly databases: ReadonlyMap<string, TestDatabase>;
  /** Connections of the test itself. */
  readonly sqlOf: ReadonlyMap<string, Database>;
  /** host:port of each service's gRPC server. */
  readonly addresses: ReadonlyMap<string, string>;
  readonly nodes: Nodes;
  /** The link and those beside it. */
  readonly links: Readonly<Record<string, LinkDefinition>>;
  readonly #options: InProcessOptions;
  /** The link as the build has it whose business transactions the test writes. */
  readonly written: LinkDefinition;
  /** Messages written so far: each takes the next key in turn. */
  #turn = 0;

  private constructor(
    options: InProcessOptions,
    nats: NatsServer,
    databases: ReadonlyMap<string, TestDatabase>,
    addresses: ReadonlyMap<string, string>,
  ) {
    this.#options = options;
    this.link = linkOf(links, options.link);
    this.links = linksOf(options);
    const { writesAs = '' } = options;
    this.written = releasedAs(this.link, parseReleases(writesAs).get(this.link.id));
    this.fixture = fixtureOf(options.link);
    this.nats = nats;
    this.databases = databases;
    this.addresses = addresses;
    this.nodes = new Nodes(this, options);
    this.sqlOf = new Map(
      [...databases].map(([service, { url }]) => [
        service,
        connectPostgres(url, { name: `test/${service}`, max: 12, session: NOT_SYNCED }),
      ]),
    );
  }

  static async start(t: Owner, options: InProcessOptions): Promise<InProcessCompany> {
    const services = servicesOf(Object.values(linksOf(options)));
    const nats = await testNats(t, options.natsConfig);
    const databases = new Map<string, TestDatabase>();
    for (const service of services) {
      const server = options.servers?.[service];
      const made = server
        ? databaseOn(server, service, options.link)
        : testDatabase(t, template(service));
      databases.set(service, await made);
    }
    const ports = await freePorts(services.length);
    const addresses = new Map(services.map((name, i) => [name, `127.0.0.1:${ports[i]}`]));
    const company = new InProcessCompany(options, nats, databases, addresses);
    t.after(() => company.stop());
    await company.#prepare();
    for (const name of services.reverse()) // producers last
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
    const { transport, beside = {} } = this.#options;
    await this.#prepareLink(this.link, transport);
    for (const [id, besides] of Object.entries(beside))
      await this.#prepareLink(this.links[id]!, besides);
  }

  async #prepareLink(link: LinkDefinition, transport: Transport | undefined): Promise<void> {
    const producer = this.sqlOf.get(link.producer)!;
    await prepareRoutes(producer, [link]);
    for (const consumer of Object.keys(link.consumers)) {
      const sql = this.sqlOf.get(consumer)!;
      await setListening(sql, link.id, true);
      await prepareRecording(sql, fixtureOf(link.id), consumer);
      if (!transport || transport === link.starts.transport) continue;
      await flipRoute(producer, { link, consumer, lanes: ALL_LANES, transport, hold: false });
    }
    if (!transport) return;
    // Nobody relays yet: the lanes are adopted as they would have been long ago.
    await producer`update relink.routes set adopted_transport = transport,
      adopted_version = version, adopted_epoch = epoch`;
  }

  /** The stream and the durable consumers of each link. */
  provision(): Promise<void> {
    const { streamDemand } = this.#options;
    return provision(this.nats.url, Object.values(this.links), streamDemand);
  }

  // ---- nodes ----

  /** Starts one more replica, by default the service's only one. */
  startNode(service: string, instance?: string, release?: string): Promise<ServiceNode> {
    return this.nodes.start(service, instance, release);
  }

  stopNode(instance: string): Promise<void> {
    return this.nodes.stop(instance);
  }

  /** A consumer's own handler of the link, as the nodes run it. */
  handlerOf(consumer: string): Handler {
    return handlerOf(this.link.id, consumer);
  }

  async stop(): Promise<void> {
    await cleanUpAll('company of the test', [
      () => this.nodes.stopAll(),
      ...[...this.sqlOf.values()].map((sql) => () => closePostgres(sql)),
    ]);
  }

  // ---- traffic ----

  /** Keys for so many messages: entities, or as many business facts as it takes. */
  async keysFor(messages: number): Promise<string[]> {
    const { fixture } = this;
    if (fixture.kind === 'formal') return someKeys(ENTITIES);
    const keys = someKeys(Math.ceil(messages / fixture.messagesPerKey));
    for (const [service, prepare] of Object.entries(fixture.prepare))
      await prepare(this.sqlOf.get(service)!, keys);
    return keys;
  }

  /** One business transaction; answers its outbox rows. `before` runs in it, before the commit. */
  async write(key: string = randomUUID(), before?: () => Promise<void>): Promise<Enqueued[]> {
    return this.producer.begin(async (tx) => {
      const message = await this.fixture.act(tx, key, `Ada ${Math.random().toString(36).slice(2)}`);
      const rows = message ? await enqueue(tx, this.written, [message]) : [];
      await before?.();
      return rows;
    }) as Promise<Enqueued[]>;
  }

  /** `count` transactions, some at once; the keys have their turns, also over several calls. */
  async writeMany(count: number, keys: readonly string[]): Promise<void> {
    const end = this.#turn + count;
    const writers = Array.from({ length: 4 }, async () => {
      while (this.#turn < end) await this.write(keys[this.#turn++ % keys.length]);
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
  countStored(): Promise<number> {
    return this.#withStreams(
      async ({ streams }) => (await streams.info(this.link.id)).state.messages,
    );
  }

  async emptyStream(): Promise<void> {
    await this.#withStreams(({ streams }) => streams.purge(this.link.id));
  }

  async #withStreams<T>(work: (manager: JetStreamManager) => Promise<T>): Promise<T> {
    const { connection, close } = await connectNats(this.nats.url, { name: 'streams' });
    try {
      return await work(await jetstreamManager(connection));
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
  flip(
    consumer: string,
    lanes: readonly number[],
    transport: Transport,
    hold: boolean,
    version?: number,
  ): Promise<bigint> {
    const { link, producer } = this;
    const flip = { link, consumer, lanes, transport, hold };
    return flipRoute(producer, { ...flip, ...(version === undefined ? {} : { version }) });
  }

  /** Waits until the lane's owner dispatches every lane of the leg by its newest route. */
  waitUntilAdopted(consumer: string): Promise<void> {
    return waitUntilAdopted(this.producer, legOf(this.link.id, consumer));
  }

  // ---- proof ----

  /** What every test ends with; see oracle.ts. */
  async oracle(
    givenUp?: Readonly<Record<string, readonly string[]>>,
    wentBack?: readonly string[],
  ): Promise<void> {
    await oracle({
      link: this.link,
      fixture: this.fixture,
      producer: this.producer,
      consumers: Object.fromEntries(this.consumers.map((name) => [name, this.sqlOf.get(name)!])),
      ...(givenUp && { givenUp }),
      ...(wentBack && { wentBack }),
    });
  }
}

/** Two companies may share a server. */
async function databaseOn(
  server: PostgresServer,
  service: string,
  link: string,
): Promise<TestDatabase> {
  const name = `${service}_${link.toLowerCase().replace('-', '_')}`;
  const url = await createDatabase(server.url, name);
  await template(service).fill(url);
  return { name, url };
}

function template(service: string) {
  return {
    name: `service_${service}`,
    fill: (url: string) => applyExpand(url, ['link', service as DatabaseName]),
  };
}

function linksOf({ link, beside = {} }: InProcessOptions): Record<string, LinkDefinition> {
  return Object.fromEntries([link, ...Object.keys(beside)].map((id) => [id, linkOf(links, id)]));
}

/** Each once, those that only produce first. */
function servicesOf(all: readonly LinkDefinition[]): string[] {
  const consumers = all.flatMap((link) => Object.keys(link.consumers));
  return [...new Set([...all.map((link) => link.producer), ...consumers])];
}

/** `count` ids of entities. */
export function someKeys(count: number): string[] {
  return Array.from({ length: count }, () => randomUUID());
}
