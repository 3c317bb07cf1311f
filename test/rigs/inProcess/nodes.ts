/** The replicas of a company's services that run in the test's process. */
import type { NatsServer } from '../../../dev/servers/nats.ts';
import type { ReceiverLimits } from '../../../link/inbox/failures.ts';
import type { Handler } from '../../../link/inbox/handler.ts';
import type { ReplicaTable } from '../../../link/inbox/upsertNewer.ts';
import type { LinkMap } from '../../../link/link.ts';
import type { EntitySource } from '../../../link/participant/entity.ts';
import type { Pull } from '../../../link/pull/pull.ts';
import { splitAddress } from '../../../runtime/address.ts';
import type { Clients } from '../../../services/clients.ts';
import type { TestDatabase } from '../../harness/postgres.ts';
import { fixtureOf } from '../fixtures/fixtureOf.ts';
import { ServiceNode } from './node.ts';
import { recording } from './recording.ts';

/** Retries that do not keep a test waiting; the shape is the same. */
const QUICK_LIMITS: Partial<ReceiverLimits> = {
  maxAttempts: 3,
  backoff: { baseMs: 20, capMs: 100 },
};

export interface NodesOptions {
  /** Handlers in place of the consumers' own, made from these. */
  readonly wrap?: (handler: Handler, consumer: string, link: string) => Handler;
  readonly limits?: Partial<ReceiverLimits>;
  /** RELINK_RELEASE of the first process of a service. */
  readonly release?: Readonly<Record<string, string>>;
  /** Ports of gRPC servers, by the name of the process; other processes than the first take any. */
  readonly ports?: Readonly<Record<string, number>>;
  /** Where a service finds a server instead of directly: through a proxy. */
  readonly postgresUrl?: (service: string, url: string) => string | Promise<string>;
  readonly natsUrl?: (service: string, url: string) => string | Promise<string>;
  readonly address?: (
    consumer: string,
    address: string,
  ) => string | readonly string[] | Promise<string>;
}

/** Where the nodes live. */
export interface Site {
  readonly links: LinkMap;
  readonly nats: NatsServer;
  readonly databases: ReadonlyMap<string, TestDatabase>;
  /** host:port of each service's gRPC server. */
  readonly addresses: ReadonlyMap<string, string>;
}

export class Nodes {
  readonly #site: Site;
  readonly #options: NodesOptions;
  readonly #running = new Map<string, ServiceNode>();

  constructor(site: Site, options: NodesOptions) {
    this.#site = site;
    this.#options = options;
  }

  /** Starts one more replica, by default the service's only one, as a build of `release`. */
  async start(
    service: string,
    instance = `${service}-1`,
    release = this.#options.release?.[service] ?? '',
  ): Promise<ServiceNode> {
    const { links, nats, databases, addresses } = this.#site;
    const {
      limits = {},
      ports = {},
      postgresUrl = asIs,
      natsUrl = asIs,
      address = asIs,
    } = this.#options;
    const peers: Record<string, string[]> = {};
    for (const [peer, direct] of addresses) peers[peer] = [await address(peer, direct)].flat();
    const isFirst = instance === `${service}-1`;
    const node = new ServiceNode({
      service,
      instance,
      port: isFirst ? splitAddress(addresses.get(service)!)!.port : (ports[instance] ?? 0),
      postgresUrl: await postgresUrl(service, databases.get(service)!.url),
      natsUrl: await natsUrl(service, nats.url),
      links,
      peers,
      handlers: this.#handlersOf(service),
      sources: this.#sourcesOf(service),
      replicas: this.#replicasOf(service),
      pulls: (clients) => this.#pullsOf(service, clients),
      limits: { ...QUICK_LIMITS, ...limits },
      release,
    });
    this.#running.set(instance, node);
    await node.start();
    return node;
  }

  #handlersOf(service: string): Record<string, Handler> {
    const { wrap = (handler) => handler } = this.#options;
    const consumed = Object.values(this.#site.links).filter((link) => link.consumers[service]);
    return Object.fromEntries(
      consumed.map(({ id }) => [id, wrap(handlerOf(id, service), service, id)]),
    );
  }

  #sourcesOf(service: string): Record<string, EntitySource> {
    const produced = Object.values(this.#site.links).filter((link) => link.producer === service);
    const sources = produced.flatMap(({ id }): [string, EntitySource][] => {
      const fixture = fixtureOf(id);
      return fixture.kind === 'formal' && fixture.entity ? [[id, fixture.entity]] : [];
    });
    return Object.fromEntries(sources);
  }

  #replicasOf(service: string): Record<string, ReplicaTable> {
    const consumed = Object.values(this.#site.links).filter((link) => link.consumers[service]);
    const replicas = consumed.flatMap(({ id }): [string, ReplicaTable][] => {
      const fixture = fixtureOf(id);
      return fixture.kind === 'formal' && fixture.replica ? [[id, fixture.replica]] : [];
    });
    return Object.fromEntries(replicas);
  }

  #pullsOf(service: string, clients: Clients): Record<string, Pull> {
    const pulls = Object.values(this.#site.links).flatMap(({ id, consumers }): [string, Pull][] => {
      const fixture = fixtureOf(id);
      if (!consumers[service] || fixture.kind !== 'formal' || !fixture.pull) return [];
      return [[id, fixture.pull(clients)]];
    });
    return Object.fromEntries(pulls);
  }

  get(instance: string): ServiceNode | undefined {
    return this.#running.get(instance);
  }

  async stop(instance: string): Promise<void> {
    const node = this.#running.get(instance);
    this.#running.delete(instance);
    await node?.stop();
  }

  async stopAll(): Promise<void> {
    await Promise.all([...this.#running.keys()].map((instance) => this.stop(instance)));
  }
}

/** A consumer's own handler; what those of functional links apply is recorded for the oracle. */
export function handlerOf(link: string, consumer: string): Handler {
  return recording(fixtureOf(link).handlers[consumer]!, link);
}

function asIs(_service: string, url: string): string {
  return url;
}
