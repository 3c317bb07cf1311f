/** What the demo runs on: a stack of its own in a temporary folder, and clients to look into it. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { readDevEnvironment } from '../dev/environment.ts';
import { freeStackPorts } from '../dev/ports.ts';
import { describeExit } from '../dev/servers/child.ts';
import { cleanUpAll } from '../dev/servers/errors.ts';
import { makeRunDir } from '../dev/servers/folders.ts';
import { removePostgresData } from '../dev/servers/postgres.ts';
import { type Stack, type StackAddresses, startStack } from '../dev/stack.ts';
import { Operator } from '../gen/relink/v1/operator_pb.ts';
import { createRpcClient, type RpcClient } from '../rpc/client.ts';
import { closePostgres, connectPostgres, type Database } from '../runtime/postgres.ts';
import type { DemoOptions } from './options.ts';
import { Releases } from './releases.ts';
import { PUBLIC_SERVICES, type PublicAddresses } from './traffic/caller.ts';

/** The oracle needs the order of commits; recording it costs PostgreSQL next to nothing. */
const POSTGRES_SETTINGS = { track_commit_timestamp: 'on' };
/** Connections per database: the demo reads a few tables now and then. */
const CONNECTIONS = 2;

export interface DemoStack {
  readonly addresses: StackAddresses;
  readonly operator: RpcClient<typeof Operator>;
  /** A connection to the database of a service. */
  database(service: string): Database;
  /** host:port of every replica of the public services. */
  readonly publicAddresses: PublicAddresses;
  readonly releases: Releases;
  /** Stops everything and removes the data. Safe twice. */
  stop(): Promise<void>;
}

/**
 * Starts the stack, with builds from before these moves to other contract versions. `say` is called
 * for what is being started and what ended unexpectedly.
 */
export async function startDemoStack(
  { versionMoves, natsNodes }: Pick<DemoOptions, 'versionMoves' | 'natsNodes'>,
  say: (line: string) => void,
): Promise<DemoStack> {
  const { postgresUrl, natsUrl, host } = readDevEnvironment();
  const dataDir = await makeRunDir('demo');
  // Servers that were given may hold what an earlier demo moved: older builds could not read it.
  const isFresh = postgresUrl === undefined && natsUrl === undefined;
  const releases = new Releases(isFresh ? versionMoves : [], (name) => stack.service(name));
  let stack: Stack;
  try {
    stack = await startStack({
      dataDir,
      ports: await freeStackPorts(host),
      host,
      postgresUrl,
      natsUrl,
      postgresSettings: POSTGRES_SETTINGS,
      env: releases.env,
      replicasOf: releases.replicasOf,
      natsNodes,
      say,
      onUnexpectedEnd: (program, exit, lastLines) =>
        say(`${program.name} ended (${describeExit(exit)}); its log ends:\n${lastLines}`),
    });
  } catch (error) {
    await removeData(dataDir);
    throw error;
  }
  return asDemoStack(stack, dataDir, releases);
}

function asDemoStack(stack: Stack, dataDir: string, releases: Releases): DemoStack {
  const { addresses } = stack;
  const databases = new Map<string, Database>();
  const operator = createRpcClient(Operator, addresses.operator.grpc);
  let stopping: Promise<void> | undefined;
  const stop = () =>
    cleanUpAll('stopping the demo', [
      () => operator.close(),
      () => Promise.all([...databases.values()].map(closePostgres)),
      () => stack.stop(),
      () => removeData(dataDir),
    ]);
  return {
    addresses,
    operator,
    releases,
    database: (service) => {
      const known = databases.get(service);
      if (known) return known;
      const url = addresses.databases[service];
      if (url === undefined) throw new RangeError(`the stack has no database of ${service}`);
      const made = connectPostgres(url, { name: 'demo', max: CONNECTIONS });
      databases.set(service, made);
      return made;
    },
    publicAddresses: publicAddressesOf(addresses),
    stop: () => {
      stopping ??= stop();
      return stopping;
    },
  };
}

function publicAddressesOf({ services }: StackAddresses): PublicAddresses {
  const of = (name: string) => (services[name] ?? []).map(({ grpc }) => grpc);
  return Object.fromEntries(
    PUBLIC_SERVICES.map((name) => [name, of(name)]),
  ) as unknown as PublicAddresses;
}

async function removeData(dataDir: string): Promise<void> {
  // For root, PostgreSQL's data may be in another folder.
  await removePostgresData(join(dataDir, 'postgres'));
  await rm(dataDir, { recursive: true, force: true });
}
