/** Everything the demo runs on: a stack of its own in a temporary folder, and the ways to look at it. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { readEnvironment } from '../dev/environment.ts';
import { freeStackPorts } from '../dev/ports.ts';
import { describeExit } from '../dev/servers/child.ts';
import { cleanUpAll } from '../dev/servers/errors.ts';
import { makeRunDir } from '../dev/servers/folders.ts';
import { removePostgresData } from '../dev/servers/postgres.ts';
import { type Stack, type StackAddresses, startStack } from '../dev/stack.ts';
import { Operator } from '../gen/relink/v1/operator_pb.ts';
import { createRpcClient, type RpcClient } from '../rpc/client.ts';
import { closePostgres, connectPostgres, type Database } from '../runtime/postgres.ts';
import { CALLED_SERVICES, type CalledAddresses } from './traffic/caller.ts';

/** The oracle needs the order of commits; writing it down costs PostgreSQL nothing to speak of. */
const POSTGRES_SETTINGS = { track_commit_timestamp: 'on' };
/** Connections of the demo to each database: it reads a few tables now and then. */
const CONNECTIONS = 2;

export type Site = {
  readonly stack: Stack;
  readonly operator: RpcClient<typeof Operator>;
  /** A connection to the database of a service. */
  database(service: string): Database;
  /** host:port of every replica of the services that callers talk to. */
  readonly calledAddresses: CalledAddresses;
  /** Stops everything and removes the data. Safe twice. */
  close(): Promise<void>;
};

/** Starts the stack; `say` hears what is being started and what ended without being told to. */
export async function openSite(say: (line: string) => void): Promise<Site> {
  const { postgresUrl, natsUrl, host } = readEnvironment();
  const dataDir = await makeRunDir('demo');
  let stack: Stack;
  try {
    stack = await startStack({
      dataDir,
      ports: await freeStackPorts(host),
      host,
      postgresUrl,
      natsUrl,
      postgresSettings: POSTGRES_SETTINGS,
      say,
      onUnexpectedEnd: (program, exit, lastLines) =>
        say(`${program.name} ended (${describeExit(exit)}); its log ends:\n${lastLines}`),
    });
  } catch (error) {
    await forgetData(dataDir);
    throw error;
  }
  return siteOf(stack, dataDir);
}

function siteOf(stack: Stack, dataDir: string): Site {
  const { addresses } = stack;
  const databases = new Map<string, Database>();
  const operator = createRpcClient(Operator, addresses.operator.grpc);
  let closing: Promise<void> | undefined;
  const close = () =>
    cleanUpAll('stopping the demo', [
      () => operator.close(),
      () => Promise.all([...databases.values()].map(closePostgres)),
      () => stack.stop(),
      () => forgetData(dataDir),
    ]);
  return {
    stack,
    operator,
    database: (service) => {
      const known = databases.get(service);
      if (known) return known;
      const url = addresses.databases[service];
      if (url === undefined) throw new RangeError(`the stack has no database of ${service}`);
      const made = connectPostgres(url, { name: 'demo', max: CONNECTIONS });
      databases.set(service, made);
      return made;
    },
    calledAddresses: calledOf(addresses),
    close: () => {
      closing ??= close();
      return closing;
    },
  };
}

function calledOf({ services }: StackAddresses): CalledAddresses {
  const of = (name: string) => (services[name] ?? []).map(({ grpc }) => grpc);
  return Object.fromEntries(
    CALLED_SERVICES.map((name) => [name, of(name)]),
  ) as unknown as CalledAddresses;
}

async function forgetData(dataDir: string): Promise<void> {
  // PostgreSQL's data may lie elsewhere for root.
  await removePostgresData(join(dataDir, 'postgres'));
  await rm(dataDir, { recursive: true, force: true });
}
