/** One replica of a service inside the test's process: real connections, kit and gRPC server. */
import { createLinkKit, type KitOptions, type LinkKit } from '../../../link/kit.ts';
import { QUEUE_SESSION } from '../../../link/outbox/queueSession.ts';
import { releaseLinks } from '../../../link/release.ts';
import { createRpcServer, type RpcServer } from '../../../rpc/server.ts';
import { readEnvironment } from '../../../runtime/environment.ts';
import { startAgents, stopAgents } from '../../../runtime/lifecycle.ts';
import { createLog, type Log, type LogLevel } from '../../../runtime/log.ts';
import { connectNats, type NatsLink } from '../../../runtime/nats.ts';
import { closePostgres, connectPostgres, type Database } from '../../../runtime/postgres.ts';
import { Clients } from '../../../services/clients.ts';

export interface NodeOptions
  extends Pick<KitOptions, 'links' | 'peers' | 'handlers' | 'sources' | 'replicas' | 'limits'> {
  readonly service: string;
  readonly instance: string;
  readonly port: number;
  readonly postgresUrl: string;
  readonly natsUrl: string;
  /** RELINK_RELEASE of its build. */
  readonly release: string;
  readonly pulls: (clients: Clients) => NonNullable<KitOptions['pulls']>;
}

/** What services of a test log; `RELINK_TEST_LOG=warn` shows more. */
const LOG_LEVEL = (readEnvironment('RELINK_TEST_LOG') ?? 'silent') as LogLevel;

interface Running {
  readonly sql: Database;
  readonly queueSql: Database;
  readonly leaseSql: Database;
  readonly nats: NatsLink;
  readonly clients: Clients;
  readonly kit: LinkKit;
  readonly server: RpcServer;
}

export class ServiceNode {
  readonly #options: NodeOptions;
  readonly #log: Log;
  #running: Running | undefined;

  constructor(options: NodeOptions) {
    this.#options = options;
    const { service, instance } = options;
    this.#log = createLog({ service, instance, level: LOG_LEVEL });
  }

  get kit(): LinkKit {
    if (!this.#running) throw new Error(`${this.#options.instance} does not run`);
    return this.#running.kit;
  }

  get sql(): Database {
    if (!this.#running) throw new Error(`${this.#options.instance} does not run`);
    return this.#running.sql;
  }

  async start(): Promise<void> {
    const { service, instance, postgresUrl, natsUrl, port } = this.#options;
    const log = this.#log;
    const sql = connectPostgres(postgresUrl, { name: instance, log });
    const queueSql = connectPostgres(postgresUrl, {
      name: `${instance}/queue`,
      max: 6,
      session: QUEUE_SESSION,
      log,
    });
    const leaseSql = connectPostgres(postgresUrl, { name: `${instance}/leases`, max: 1, log });
    const nats = await connectNats(natsUrl, { name: instance, log });
    const { links, peers, handlers, limits, pulls, release } = this.#options;
    const { sources = {}, replicas = {} } = this.#options;
    const clients = new Clients(peers);
    const kit = createLinkKit({
      service,
      instance,
      sql,
      queueSql,
      leaseSql,
      nats: nats.connection,
      log,
      links: releaseLinks(links, release),
      peers,
      handlers,
      sources,
      replicas,
      pulls: pulls(clients),
      ...(limits && { limits }),
    });
    const server = createRpcServer({
      host: '127.0.0.1',
      port,
      log,
      services: [...kit.services],
      stopLimitMs: 500,
    });
    this.#running = { sql, queueSql, leaseSql, nats, clients, kit, server };
    await startAgents([...kit.agents, server], log);
  }

  /** Stops as a service does on SIGTERM. Safe twice. */
  async stop(): Promise<void> {
    const running = this.#running;
    if (!running) return;
    this.#running = undefined;
    const { kit, server, clients, nats, sql, queueSql, leaseSql } = running;
    try {
      await stopAgents([...kit.agents, server], this.#log);
    } finally {
      clients.close();
      await nats.close();
      await Promise.all([sql, queueSql, leaseSql].map(closePostgres));
    }
  }
}
