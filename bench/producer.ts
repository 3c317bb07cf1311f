/** The producing side of a benchmark: a database with an outbox, a stream, and relays on demand. */
import { randomUUIDv7 } from 'node:crypto';
import { jetstreamManager } from '@nats-io/jetstream';
import { createLinkKit, type LinkKit } from '../link/kit.ts';
import type { LinkDefinition } from '../link/link.ts';
import { QUEUE_SESSION } from '../link/outbox/queueSession.ts';
import { ensureConsumer, ensureStream } from '../link/transport/jetStream/provision.ts';
import { startAgents, stopAgents } from '../runtime/lifecycle.ts';
import { silentLog } from '../runtime/log.ts';
import { connectNats } from '../runtime/nats.ts';
import { closePostgres, connectPostgres, type Database } from '../runtime/postgres.ts';
import { pause } from '../runtime/wake.ts';
import { type Manager, registerManager } from '../services/assessments/domain/manager.ts';
import { insertManager } from '../services/assessments/store/managers.ts';
import { CONSUMER, LEG } from './events.ts';
import { type Remote, startRemote } from './remote.ts';
import type { BenchServers } from './servers.ts';

/** The pools of a service process, as services/service.ts sets them up. */
const POOL = 16;
const QUEUE_POOL = 6;
/** How often to check whether a drain is done; small against its seconds. */
const LOOK_EVERY_MS = 5;

/** Configured like a link's stream, for raw publishing: no consumer takes part in that. */
export const RAW_STREAM = 'BENCH-RAW';

/** The connections of a process of the producing service. */
interface ProducerConnections {
  readonly sql: Database;
  readonly queueSql: Database;
  readonly leaseSql: Database;
  readonly nats: Awaited<ReturnType<typeof connectNats>>['connection'];
  /** Starts a kit of the producing service; stop it before the next. */
  startKit(hiringAddress: string): Promise<{ kit: LinkKit; stop(): Promise<void> }>;
  close(): Promise<void>;
}

export interface Producer extends Omit<ProducerConnections, 'close'> {
  readonly url: string;
  /** Empties the link's stream and the one without a consumer. */
  resetStreams(): Promise<void>;
  resetTables(): Promise<void>;
  stop(): Promise<void>;
}

export async function startProducer(
  servers: BenchServers,
  link: LinkDefinition,
): Promise<Producer> {
  const url = await servers.newDatabase('assessments');
  const { close, ...connections } = await connectProducer(url, servers.natsUrl, link);
  const { nats, sql } = connections;
  const manager = await jetstreamManager(nats);
  const streams = [link.id, RAW_STREAM];
  // No test of ours fills it: -1 is no limit.
  for (const stream of streams) await ensureStream(manager, stream, { maxBytes: -1 });
  await ensureConsumer(manager, link.id, CONSUMER);
  return {
    ...connections,
    url,
    resetStreams: async () => {
      for (const stream of streams) await manager.streams.purge(stream);
    },
    resetTables: async () => void (await sql`truncate relink.outbox, relink.closed, managers`),
    stop: async () => {
      for (const stream of streams) await manager.streams.delete(stream);
      await close();
    },
  };
}

/** As a process of the service connects. */
export async function connectProducer(
  url: string,
  natsUrl: string,
  link: LinkDefinition,
): Promise<ProducerConnections> {
  const sql = connectPostgres(url, { name: 'bench/assessments', max: POOL });
  const queue = { name: 'bench/queue', max: QUEUE_POOL, session: QUEUE_SESSION };
  const queueSql = connectPostgres(url, queue);
  const leaseSql = connectPostgres(url, { name: 'bench/leases', max: 1 });
  const nats = await connectNats(natsUrl, { name: 'bench/assessments' });
  return {
    ...{ sql, queueSql, leaseSql, nats: nats.connection },
    startKit: async (hiringAddress) => {
      const kit = createLinkKit({
        service: link.producer,
        instance: randomUUIDv7(),
        ...{ sql, queueSql, leaseSql, nats: nats.connection, log: silentLog },
        links: { [link.id]: link },
        peers: { [CONSUMER]: [hiringAddress] },
        handlers: {},
      });
      const agents = [...kit.agents];
      await startAgents(agents, silentLog);
      return { kit, stop: () => stopAgents(agents, silentLog) };
    },
    close: async () => {
      await nats.close();
      await Promise.all([sql, queueSql, leaseSql].map(closePostgres));
    },
  };
}

/** How a relaying process is started (remote/assessments/main.ts). */
export interface RelayOptions {
  readonly postgresUrl: string;
  readonly natsUrl: string;
  readonly hiringAddress: string;
}

/** A process of the service beside this one, which relays. */
export function startRelay(
  { natsUrl }: BenchServers,
  { url }: Producer,
  hiringAddress: string,
): Promise<Remote<object, object>> {
  const options: RelayOptions = { postgresUrl: url, natsUrl, hiringAddress };
  return startRemote('assessments', { ...options });
}

/** Resolves when receipts have closed `count` rows of the leg since the tables were emptied. */
export async function untilClosed(sql: Database, count: number): Promise<void> {
  for (;;) {
    const [row] = await sql<{ closed: number }[]>`
      select coalesce(sum(count), 0)::int as closed from relink.closed where leg = ${LEG}`;
    if (row!.closed >= count) return;
    await pause(LOOK_EVERY_MS);
  }
}

/** A manager that was not registered before. */
export function newManager(): Manager {
  const names = { firstName: 'Ada', lastName: 'Lovelace' };
  return registerManager(randomUUIDv7(), names, new Date());
}

/** The business transaction without a link: what services/assessments would do alone. */
export async function insertAlone(sql: Database): Promise<void> {
  await sql.begin((tx) => insertManager(tx, newManager()));
}
