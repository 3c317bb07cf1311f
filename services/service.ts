/** What the processes of every service have in common: servers, link kit, gRPC, health. */
import type { DescService } from '@bufbuild/protobuf';
import {
  createLinkKit,
  type Database,
  type KitOptions,
  type LinkKit,
  QUEUE_SESSION,
  releaseLinks,
} from 'relink';
import { createRpcServer, type RpcClient, type ServedService } from 'relink/rpc';
import {
  armFailpoints,
  type BaseConfig,
  baseConfigProperties,
  closePostgres,
  connectNats,
  connectPostgres,
  createHealthServer,
  createLog,
  type Log,
  loadConfig,
  Metrics,
  Readiness,
  requireWritable,
  runProcess,
  startOrExplain,
} from 'relink/runtime';
import { applyExpand, type DatabaseName, schemaOf } from '../db/schemaChanges.ts';
import { Clients } from './clients.ts';
import { links } from './links.ts';
import { demandReplicas } from './streamReplicas.ts';

/**
 * Connections for requests and handlers, and for the relay's batches: together fewer than the 20
 * that pgbouncer gives a database by default.
 */
const POOL = 12;
const QUEUE_POOL = 6;

/** What a service makes its handlers of links from, before there is a kit. */
export interface StartupContext {
  readonly sql: Database;
  readonly log: Log;
  readonly config: BaseConfig;
  /** The map as this build has it by its release. */
  readonly links: typeof links;
  /** A client of another service's API, closed when this process stops. */
  clientOf<S extends DescService>(service: S, name: string): RpcClient<S>;
}

/** The link kit of this map: it takes no other links, and no other events. */
export type Kit = LinkKit<typeof links>;

/** What a service makes its API from. */
export interface ServiceContext extends StartupContext {
  readonly kit: Kit;
}

/**
 * A handler for each link that the service consumes, the tables of replicated entities, and what the
 * service's other texts hold.
 */
type ServiceLinks = Pick<
  KitOptions<typeof links>,
  'handlers' | 'sources' | 'replicas' | 'pulls' | 'removals' | 'people' | 'freeText'
>;

export interface ServiceOptions {
  readonly name: DatabaseName;
  readonly links: ServiceLinks | ((context: StartupContext) => ServiceLinks);
  /** The service's own API. */
  readonly services: (context: ServiceContext) => readonly ServedService[];
  /** Wraps the services whose methods `sync` links call. */
  readonly wrapLinks?: (served: ServedService, context: ServiceContext) => ServedService;
}

/** Runs one process of a service until it is told to stop. */
export function runService(options: ServiceOptions): Promise<never> {
  return startOrExplain(options.name, () => start(options));
}

async function start(options: ServiceOptions): Promise<never> {
  const config = loadConfig(baseConfigProperties);
  if (config.failpoints) armFailpoints(config.failpoints);
  const { instance, logLevel: level } = config;
  const log = createLog({ service: options.name, instance, level });
  await applyExpand(config.postgresUrl, partsOf(options));
  return runProcess({ name: options.name, log, ...(await createAgents(options, config, log)) });
}

/** The parts of the service's database: the kit's tables and its own. */
function partsOf({ name }: ServiceOptions): readonly DatabaseName[] {
  return ['link', name];
}

async function createAgents(options: ServiceOptions, config: BaseConfig, log: Log) {
  const { name } = options;
  const { instance, host } = config;
  const metrics = new Metrics();
  const appName = `${name}/${instance}`;
  const sql = connectPostgres(config.postgresUrl, { name: appName, max: POOL, log });
  const queueSql = connectPostgres(config.postgresUrl, {
    name: `${appName}/queue`,
    max: QUEUE_POOL,
    session: QUEUE_SESSION,
    log,
  });
  const leaseName = { name: `${appName}/leases`, max: 1, lasting: true };
  const leaseSql = connectPostgres(config.postgresUrl, { ...leaseName, log });
  const nats = await connectNats(config.natsUrl, { name: appName, log });
  const clients = new Clients(config.peers);
  const context: StartupContext = {
    sql,
    log,
    config,
    links: demandReplicas(releaseLinks(links, config.release), config.streamReplicas),
    clientOf: (service, name) => clients.of(service, name),
  };
  const kit = createLinkKit({
    ...(typeof options.links === 'function' ? options.links(context) : options.links),
    service: name,
    instance,
    sql,
    queueSql,
    leaseSql,
    nats: nats.connection,
    log,
    links: context.links,
    schema: schemaOf(config.postgresUrl, sql, partsOf(options)),
    peers: config.peers,
    horizonDays: config.horizonDays,
    historyDays: config.historyDays,
    windowBytes: config.windowMb * 1_024 * 1_024,
  });
  const server = createRpcServer({
    host,
    port: config.port,
    log,
    metrics,
    services: servedBy(options, { ...context, kit }),
  });
  const readiness = new Readiness({
    checks: {
      postgres: () => requireWritable(sql),
      nats: () => nats.check(),
      contracts: () => kit.requireReadable(),
      relay: () => kit.requireName(),
      horizon: () => kit.requireHorizon(),
    },
    log,
    onChange: (isReady) => server.setServing(isReady),
  });
  const health = createHealthServer({
    host,
    port: config.httpPort,
    metrics,
    readiness,
    troubles: () => describeBlocked(kit),
  });
  measureBlocked(metrics, kit);
  const servers = {
    name: 'connections',
    start: () => {},
    stop: async () => {
      clients.close();
      await nats.close();
      await Promise.all([sql, queueSql, leaseSql].map(closePostgres));
    },
  };
  return { agents: [servers, ...kit.agents, server, readiness, health], lost: nats.lost };
}

/** Legs whose messages do not get further, and why. */
function describeBlocked(kit: Kit): Record<string, string> {
  const legs = [...kit.blockedLegs()].filter(([, { count }]) => count > 0);
  const paused = [...kit.consumedLegs()].filter(([, pause]) => pause);
  const refusal = kit.brokerRefusal();
  return Object.fromEntries([
    ...(refusal === undefined ? [] : [['nats', refusal]]),
    ...legs.map(([leg, { count, reason }]) => [leg, `${count} wait: ${reason}`]),
    ...paused.map(([leg, pause]) => [leg, `paused, messages of many keys fail: ${pause!.reason}`]),
  ]);
}

function measureBlocked(metrics: Metrics, kit: Kit): void {
  const messages = metrics.gauge('relink_blocked_messages', 'Messages that do not get further now');
  const ages = metrics.gauge('relink_blocked_seconds', 'For how long the first of them has not');
  const pauses = metrics.gauge('relink_paused', '1 while messages of many keys fail');
  metrics.onCollect(() => {
    for (const [leg, pause] of kit.consumedLegs()) pauses.labels({ leg }).set(pause ? 1 : 0);
    for (const [leg, { count, forMs }] of kit.blockedLegs()) {
      messages.labels({ leg }).set(count);
      ages.labels({ leg }).set(forMs / 1_000);
    }
  });
}

function servedBy(
  { services, wrapLinks }: ServiceOptions,
  context: ServiceContext,
): ServedService[] {
  const ofLinks = context.kit.services.map((served) => wrapLinks?.(served, context) ?? served);
  return [...services(context), ...ofLinks];
}
