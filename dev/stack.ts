/** The whole system on this machine: PostgreSQL, NATS, the services and the operator. */

import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { joinAddress, splitAddress } from '../runtime/address.ts';
import { formatPeers } from '../runtime/config.ts';
import { urlOfDatabase } from '../runtime/postgresUrl.ts';
import { readDevEnvironment } from './environment.ts';
import { freePorts, isPortFree, namedPorts, type StackPorts } from './ports.ts';
import { createMissingDatabases } from './servers/databases.ts';
import { cleanUpAll, ServerError } from './servers/errors.ts';
import { PROJECT_DIR } from './servers/folders.ts';
import { type NatsServer, startNats } from './servers/nats.ts';
import { findNatsServer } from './servers/natsBinary.ts';
import {
  CLUSTER_SIZE,
  clusterFolders,
  startNatsCluster,
  urlOfNodes,
} from './servers/natsCluster.ts';
import { type PostgresServer, startPostgres } from './servers/postgres.ts';
import {
  type Program,
  type ProgramOptions,
  startProgram,
  stopAtOnce,
  stopInReverse,
} from './servers/processes.ts';
import { OPERATOR, SERVICES } from './services.ts';

/** Whoever reaches an inspector can run any code: it is for this machine only. */
const INSPECTOR_HOST = '127.0.0.1';

export interface StackOptions {
  /** Holds PostgreSQL's data, the NATS store and all logs. */
  dataDir: string;
  ports: StackPorts;
  /** A running PostgreSQL (administrator's URL) to use instead of starting one. */
  postgresUrl?: string;
  /** Settings of a PostgreSQL that is started, for example `{ log_statement: 'all' }`. */
  postgresSettings?: Record<string, string>;
  /** A running NATS server with JetStream to use instead of starting one. */
  natsUrl?: string;
  /** NATS nodes that are started: 1, or a cluster of 3 whose streams have three replicas. */
  natsNodes?: number;
  /** Processes per service; 1 by default. */
  replicas?: number;
  /** For some services another number, by name. */
  replicasOf?: Readonly<Record<string, number>>;
  /** Only these services (and `operator`); all by default. */
  only?: readonly string[];
  host?: string;
  /** Further settings for every process, for example `{ RELINK_LOG_LEVEL: 'debug' }`. */
  env?: Record<string, string>;
  /** Further settings for the processes of one service or the operator, by its name. */
  envOf?: Readonly<Record<string, Record<string, string>>>;
  /** Ports of Node's inspector on the first process of a service or the operator, by its name. */
  inspect?: Readonly<Record<string, number>>;
  /** By service name: another program to run in its place. */
  mains?: Record<string, string>;
  /** Called with what is being started. */
  say?: (line: string) => void;
  onUnexpectedEnd?: ProgramOptions['onUnexpectedEnd'];
}

/** host:port of a process; `http` is a URL. */
export interface ProcessAddress {
  grpc: string;
  http: string;
}

export interface StackAddresses {
  operator: ProcessAddress;
  /** All replicas of each service, the documented ports first. */
  services: Record<string, ProcessAddress[]>;
  postgres: string;
  /** URL of each database. */
  databases: Record<string, string>;
  nats: string;
  natsMonitor: string | undefined;
  /** host:port of Node's inspector on the first process of a service, where it was asked for. */
  inspectors: Record<string, string>;
}

export interface Stack {
  readonly addresses: StackAddresses;
  /** Environment variables with which the command line and other tools find this stack. */
  readonly env: Record<string, string>;
  /** Undefined when a running server was given. */
  readonly postgres: PostgresServer | undefined;
  readonly nats: NatsServer | undefined;
  /** The processes of a service, or `operator`. */
  service(name: string): readonly Program[];
  readonly programs: readonly Program[];
  /** Stops everything in reverse order; safe twice. */
  stop(): Promise<void>;
}

/**
 * Starts the stack and waits until every process is ready; stops what it started when it fails.
 * Throws `port_taken` with all taken ports, and what the servers throw.
 */
export async function startStack(options: StackOptions): Promise<Stack> {
  const say = options.say ?? (() => undefined);
  const host = options.host ?? readDevEnvironment().host;
  await mkdir(options.dataDir, { recursive: true });
  await refuseTakenPorts(options, host);
  const started: { stop(): Promise<void> }[] = [];
  try {
    const { postgres, nodes = [] } = await startServers(options, host, started, say);
    const [nats] = nodes;
    const adminUrl = options.postgresUrl ?? (postgres as PostgresServer).url;
    const natsUrl = options.natsUrl ?? urlOfNodes(nodes);
    const addresses = await planAddresses(options, host, adminUrl, natsUrl, nats?.monitorUrl);
    await createMissingDatabases(adminUrl, Object.keys(addresses.databases));
    say(`starting ${Object.keys(addresses.services).join(', ')} and the operator`);
    const programs = await startPrograms(options, host, addresses, started);
    return asStack({ addresses, postgres, nats, programs, started });
  } catch (error) {
    await cleanUpAll('stopping after a failed start', [() => stopInReverse(started)]).catch(
      (failure) => say(failure.message),
    );
    throw error;
  }
}

function asStack(parts: {
  addresses: StackAddresses;
  postgres: PostgresServer | undefined;
  nats: NatsServer | undefined;
  programs: ReadonlyMap<string, Program[]>;
  started: { stop(): Promise<void> }[];
}): Stack {
  const { addresses, postgres, nats, programs, started } = parts;
  let stopping: Promise<void> | undefined;
  return {
    addresses,
    postgres,
    nats,
    programs: [...programs.values()].flat(),
    env: {
      RELINK_OPERATOR: addresses.operator.grpc,
      RELINK_POSTGRES_URL: addresses.postgres,
      RELINK_NATS_URL: addresses.nats,
    },
    service: (name) => {
      const found = programs.get(name);
      if (!found) throw new RangeError(`the stack does not run ${name}`);
      return found;
    },
    stop: () => {
      stopping ??= stopInReverse(started);
      return stopping;
    },
  };
}

async function refuseTakenPorts(options: StackOptions, host: string): Promise<void> {
  const servers = namedPorts(options.ports).filter(
    ({ name }) =>
      !(options.postgresUrl && name === 'PostgreSQL') &&
      !(options.natsUrl && name.startsWith('NATS')),
  );
  const inspectors = Object.entries(options.inspect ?? {});
  const own = [
    ...servers.map((server) => ({ ...server, on: host })),
    ...inspectors.map(([name, port]) => ({
      name: `inspector of ${name}`,
      port,
      on: INSPECTOR_HOST,
    })),
  ];
  const free = await Promise.all(own.map(({ port, on }) => isPortFree(port, on)));
  const taken = own.filter((_, at) => !free[at]);
  if (taken.length === 0) return;
  const list = taken.map(({ name, port }) => `${port} (${name})`).join(', ');
  throw new ServerError(
    'port_taken',
    `ports are in use by other programs: ${list}. If a stack is running already, stop it, or ` +
      'choose other ports with --port-base N',
  );
}

async function startServers(
  options: StackOptions,
  host: string,
  started: { stop(): Promise<void> }[],
  say: (line: string) => void,
) {
  // In parallel, since each takes a second at first use; `started` collects what is running.
  const track = <T extends { stop(): Promise<void> }>(server: T) => {
    started.push(server);
    return server;
  };
  const postgres = options.postgresUrl
    ? undefined
    : startPostgres({
        dir: join(options.dataDir, 'postgres'),
        port: options.ports.postgres,
        host,
        settings: options.postgresSettings,
      }).then(track);
  const nats = options.natsUrl
    ? undefined
    : startNodes(options, host, say).then((nodes) => nodes.map(track));
  await Promise.allSettled([postgres, nats]);
  return { postgres: await postgres, nodes: await nats };
}

/** One node and several have stores of their own: neither could go on with the other's. */
async function startNodes(options: StackOptions, host: string, say: (line: string) => void) {
  const binary = await findNatsServer({ say });
  const { nats: port, natsMonitor: monitorPort } = options.ports;
  const how = { port, monitorPort, host, binary };
  return isCluster(options)
    ? startNatsCluster({ ...how, dir: clusterDir(options.dataDir) })
    : [await startNats({ ...how, dir: singleDir(options.dataDir) })];
}

const singleDir = (dataDir: string) => join(dataDir, 'nats');
const clusterDir = (dataDir: string) => join(dataDir, 'nats-cluster');

/** Every folder where a nats-server of this stack may have its store. */
export function natsFolders(dataDir: string): string[] {
  return [singleDir(dataDir), ...clusterFolders(clusterDir(dataDir))];
}

function isCluster({ natsNodes = 1 }: StackOptions): boolean {
  return natsNodes === CLUSTER_SIZE;
}

function chosenServices({ only }: StackOptions) {
  return SERVICES.filter(({ name }) => !only || only.includes(name));
}

function replicasOf({ replicas = 1, replicasOf = {} }: StackOptions, service: string): number {
  return replicasOf[service] ?? replicas;
}

async function planAddresses(
  options: StackOptions,
  host: string,
  postgres: string,
  nats: string,
  natsMonitor: string | undefined,
): Promise<StackAddresses> {
  const { ports } = options;
  const address = (grpc: number, http: number) => ({
    grpc: joinAddress(host, grpc),
    http: `http://${joinAddress(host, http)}`,
  });
  const services: Record<string, ProcessAddress[]> = {};
  const databases: Record<string, string> = {
    [OPERATOR.database]: urlOfDatabase(postgres, OPERATOR.database),
  };
  for (const { name } of chosenServices(options)) {
    const first = ports.services[name] as StackPorts['operator'];
    const more = await freePorts((replicasOf(options, name) - 1) * 2, host);
    const addresses = [address(first.grpc, first.http)];
    while (more.length > 0) addresses.push(address(more.pop() as number, more.pop() as number));
    services[name] = addresses;
    databases[name] = urlOfDatabase(postgres, name);
  }
  const operator = address(ports.operator.grpc, ports.operator.http);
  const inspectors = Object.fromEntries(
    Object.entries(options.inspect ?? {}).map(([name, at]) => [
      name,
      joinAddress(INSPECTOR_HOST, at),
    ]),
  );
  return { operator, services, postgres, databases, nats, natsMonitor, inspectors };
}

async function startPrograms(
  options: StackOptions,
  host: string,
  addresses: StackAddresses,
  started: { stop(): Promise<void> }[],
): Promise<Map<string, Program[]>> {
  const programs = new Map<string, Program[]>();
  started.push({ stop: () => stopAtOnce([...programs.values()].flat()) });
  const startOne = async (name: string, main: string, database: string, instance: number) => {
    const address =
      name === OPERATOR.name
        ? addresses.operator
        : (addresses.services[name]?.[instance - 1] as ProcessAddress);
    const logFile = join(options.dataDir, 'logs', `${name}-${instance}.log`);
    await rm(logFile, { force: true });
    const inspector = addresses.inspectors[name];
    const program = await startProgram({
      name: `${name}-${instance}`,
      main: options.mains?.[name] ?? join(PROJECT_DIR, main),
      env: {
        RELINK_HOST: host,
        RELINK_POSTGRES_URL: addresses.databases[database] as string,
        RELINK_NATS_URL: addresses.nats,
        RELINK_PORT: String(splitAddress(address.grpc)!.port),
        RELINK_HTTP_PORT: new URL(address.http).port,
        RELINK_INSTANCE: `${name}-${instance}`,
        RELINK_PEERS: peersOf(addresses.services),
        ...(isCluster(options) ? { RELINK_STREAM_REPLICAS: String(CLUSTER_SIZE) } : {}),
        ...options.env,
        ...options.envOf?.[name],
      },
      nodeArguments: inspector && instance === 1 ? [`--inspect=${inspector}`] : [],
      logFile,
      readyUrl: `${address.http}/readyz`,
      onUnexpectedEnd: options.onUnexpectedEnd,
      ...(options.say && { onWait: options.say }),
    });
    programs.set(name, [...(programs.get(name) ?? []), program]);
  };
  const starts = chosenServices(options).map(async ({ name, main }) => {
    // The first replica applies the schema changes; the others start when it is ready.
    for (let instance = 1; instance <= replicasOf(options, name); instance++) {
      await startOne(name, main, name, instance);
    }
  });
  await Promise.allSettled(starts);
  await Promise.all(starts);
  if (!options.only || options.only.includes(OPERATOR.name)) {
    await startOne(OPERATOR.name, OPERATOR.main, OPERATOR.database, 1);
  }
  return programs;
}

function peersOf(services: StackAddresses['services']): string {
  const grpc = Object.entries(services).map(([name, replicas]) => [
    name,
    replicas.map((replica) => replica.grpc),
  ]);
  return formatPeers(Object.fromEntries(grpc));
}
