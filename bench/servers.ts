/**
 * The PostgreSQL and NATS that the benchmarks run on: their own, as durable as in production
 * (fsync, synchronous commit, file storage), and removed afterwards. RELINK_POSTGRES_URL and
 * RELINK_NATS_URL name running ones to use instead.
 */
import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { applyExpand, type DatabaseName } from '../db/schemaChanges.ts';
import { readDevEnvironment } from '../dev/environment.ts';
import { createDatabase, dropDatabase, withAdmin } from '../dev/servers/databases.ts';
import { cleanUpAll } from '../dev/servers/errors.ts';
import { makeRunDir } from '../dev/servers/folders.ts';
import { startNats } from '../dev/servers/nats.ts';
import { removePostgresData, startPostgres } from '../dev/servers/postgres.ts';
import { type CpuAccount, cpuOf } from './cpu.ts';

export interface BenchServers {
  readonly natsUrl: string;
  /** The servers' CPU time; undefined for servers that were given. */
  readonly cpu: {
    readonly postgres: CpuAccount | undefined;
    readonly nats: CpuAccount | undefined;
  };
  /** A new database with the tables of the link kit and of one service; returns its URL. */
  newDatabase(service: DatabaseName): Promise<string>;
  /** Flushes dirty pages, so that filling a table does not slow down what is measured next. */
  checkpoint(): Promise<void>;
  /** Ends nats-server at once and starts it again; undefined for one that was given. */
  readonly restartNats: (() => Promise<void>) | undefined;
  postgresVersion(): Promise<string>;
  stop(): Promise<void>;
}

export async function startServers(): Promise<BenchServers> {
  const given = readDevEnvironment();
  const dir = await makeRunDir('bench');
  const postgres = given.postgresUrl
    ? undefined
    : await startPostgres({ dir: join(dir, 'postgres') });
  const nats = given.natsUrl ? undefined : await startNats({ dir: join(dir, 'nats') });
  const adminUrl = given.postgresUrl ?? postgres!.url;
  const databases: string[] = [];
  const newDatabase = async (service: DatabaseName) => {
    const name = `bench_${service}_${randomBytes(4).toString('hex')}`;
    databases.push(name);
    const url = await createDatabase(adminUrl, name);
    await applyExpand(url, ['link', service]);
    return url;
  };
  return {
    natsUrl: given.natsUrl ?? nats!.url,
    cpu: { postgres: await cpuOf(postgres?.pid), nats: await cpuOf(nats?.pid) },
    newDatabase,
    checkpoint: () => withAdmin(adminUrl, async (sql) => void (await sql`checkpoint`)),
    restartNats: nats && (() => nats.restart()),
    postgresVersion: () =>
      withAdmin(adminUrl, async (sql) => (await sql`show server_version`)[0]!.server_version),
    stop: () =>
      cleanUpAll('servers of the benchmark', [
        // Databases on our own server go with it, without a checkpoint for each.
        ...(postgres ? [] : databases.map((name) => () => dropDatabase(adminUrl, name))),
        () => nats?.stop(),
        () => postgres?.stop(),
        () => removePostgresData(join(dir, 'postgres')),
        () => rm(dir, { recursive: true, force: true }),
      ]),
  };
}
