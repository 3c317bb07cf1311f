/** What the processes of every service have in common: servers, link kit, gRPC, health. */
import type { DescService } from '@bufbuild/protobuf';
import { applyExpand, type DatabaseName } from '../db/schemaChanges.ts';
import { createLinkKit, type KitOptions, type LinkKit } from '../link/kit.ts';
import type { RpcClient } from '../rpc/client.ts';
import { createRpcServer, type ServedService } from '../rpc/server.ts';
import { type BaseConfig, baseConfigSchema, loadConfig } from '../runtime/config.ts';
import { armFailpoints } from '../runtime/failpoints.ts';
import { createHealthServer } from '../runtime/http.ts';
import { runProcess } from '../runtime/lifecycle.ts';
import { createLog, type Log } from '../runtime/log.ts';
import { Metrics } from '../runtime/metrics.ts';
import { connectNats } from '../runtime/nats.ts';
import { closePostgres, connectPostgres, type Database } from '../runtime/postgres.ts';
import { Clients } from './clients.ts';
import { links } from './links.ts';

/** Connections for requests and handlers, and for the relay's batches. */
const POOL = 16;
const QUEUE_POOL = 6;

/** What a service builds its handlers from. */
export interface Surroundings {
  readonly sql: Database;
  readonly log: Log;
  readonly config: BaseConfig;
  /** A client of another service's API; it ends with this process. */
  clientOf<S extends DescService>(service: S, name: string): RpcClient<S>;
}

export interface Own extends Surroundings {
  readonly kit: LinkKit;
}

/** One handler per consumed link, the tables of replicated entities: see link/kit.ts. */
type OwnLinks = Pick<KitOptions, 'handlers' | 'sources' | 'replicas' | 'pulls'>;

export interface ServiceOptions {
  readonly name: DatabaseName;
  readonly links: OwnLinks | ((around: Surroundings) => OwnLinks);
  /** The service's own API. */
  readonly services: (own: Own) => readonly ServedService[];
  /** Stands between the callers and the methods that `sync` links call. */
  readonly aroundLinks?: (served: ServedService, own: Own) => ServedService;
}

/** Runs one process of a service until it is told to stop. */
export async function runService(options: ServiceOptions): Promise<never> {
  const config = loadConfig(baseConfigSchema);
  if (config.failpoints) armFailpoints(config.failpoints);
  const { instance, logLevel: level } = config;
  const log = createLog({ service: options.name, instance, level });
  await applyExpand(config.postgresUrl, ['link', options.name]);
  return runProcess({ name: options.name, log, agents: await createAgents(options, config, log) });
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
    session: { synchronous_commit: 'off' },
    log,
  });
  const nats = await connectNats(config.natsUrl, { name: appName, log });
  const clients = new Clients(config.peers);
  const around: Surroundings = {
    sql,
    log,
    config,
    clientOf: (service, name) => clients.of(service, name),
  };
  const kit = createLinkKit({
    ...(typeof options.links === 'function' ? options.links(around) : options.links),
    service: name,
    instance,
    sql,
    queueSql,
    nats: nats.connection,
    log,
    links,
    peers: config.peers,
  });
  const server = createRpcServer({
    host,
    port: config.port,
    log,
    metrics,
    services: servedBy(options, { ...around, kit }),
  });
  const health = createHealthServer({
    host,
    port: config.httpPort,
    metrics,
    checks: { postgres: () => sql`select 1`, nats: () => requireConnected(nats.isConnected()) },
  });
  const servers = {
    name: 'connections',
    start: () => {},
    stop: async () => {
      clients.close();
      await nats.close();
      await Promise.all([closePostgres(sql), closePostgres(queueSql)]);
    },
  };
  return [servers, ...kit.agents, server, health];
}

function servedBy({ services, aroundLinks }: ServiceOptions, own: Own): ServedService[] {
  const ofLinks = own.kit.services.map((served) => aroundLinks?.(served, own) ?? served);
  return [...services(own), ...ofLinks];
}

function requireConnected(isConnected: boolean): void {
  if (!isConnected) throw new Error('not connected to NATS');
}
