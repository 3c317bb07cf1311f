/** Runs a nats-server with JetStream: one store, one port, stopped when this process ends. */

import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { joinAddress } from '../../runtime/address.ts';
import { isPortFree } from '../ports.ts';
import { type Child, type ChildExit, startChild } from './child.ts';
import { ServerError } from './errors.ts';
import { findNatsServer, type NatsBinary } from './natsBinary.ts';
import { readPid, waitUntilGone } from './running.ts';

/** The server reads its store when it starts, which may be large. */
const READY_LIMIT_MS = 30_000;
/** The longest that the guard of a killed predecessor takes to stop its server. */
const LEFTOVER_LIMIT_MS = 15_000;
/** Timeout of one request to the monitoring port. */
const MONITOR_LIMIT_MS = 2_000;
/** Lets the server choose a port itself, so that no other program can take it first. */
const CHOOSE_PORT = -1;

export interface NatsOptions {
  /** Folder for the store and the log; created when missing. */
  dir: string;
  /** 0 or absent: the server chooses. */
  port?: number;
  monitorPort?: number;
  host?: string;
  /** Found by `findNatsServer` by default. */
  binary?: NatsBinary;
  /** The server's own configuration; JetStream, store and ports are set beside it. */
  config?: string;
}

/** A client connection as the monitoring port reports it. */
export interface NatsConnection {
  cid: number;
  name?: string;
  lang?: string;
  subscriptions: number;
}

export interface NatsStart {
  /** Deletes every stream first. */
  emptyStore?: boolean;
  /** Another configuration from now on. */
  config?: string;
}

export interface NatsServer {
  readonly port: number;
  readonly monitorPort: number;
  /** For clients: `nats://127.0.0.1:4222`. */
  readonly url: string;
  readonly monitorUrl: string;
  readonly logFile: string;
  readonly version: string;
  readonly pid: number;
  readonly isRunning: boolean;
  /** SIGSTOP and SIGCONT freeze and thaw it. */
  signal(signal: NodeJS.Signals): boolean;
  /** Kills it without a chance to write anything more. */
  kill(): Promise<ChildExit>;
  /** Starts it again on the same ports. */
  start(options?: NatsStart): Promise<void>;
  /** Stops it and starts it again on the same ports. */
  restart(options?: NatsStart): Promise<void>;
  /** Has the running server take another configuration; clients see it soon afterwards. */
  reload(config: string): Promise<void>;
  /** Client connections that are open now. */
  connections(): Promise<NatsConnection[]>;
  /** What it has logged. */
  log(): Promise<string>;
  stop(): Promise<void>;
}

/**
 * Starts nats-server with a file store in `dir` and waits until JetStream is ready.
 * Throws `not_found`, `port_taken`, `data_in_use`, `start_failed`, `start_timeout`.
 */
export async function startNats(options: NatsOptions): Promise<NatsServer> {
  const binary = options.binary ?? (await findNatsServer());
  const host = options.host ?? '127.0.0.1';
  const { dir } = options;
  const first = { nats: options.port || CHOOSE_PORT, monitor: options.monitorPort || CHOOSE_PORT };
  await writeConfig(dir, options.config ?? '');
  let { child, ports } = await launch(binary, dir, host, first);

  const start = async ({ emptyStore = false, config }: NatsStart = {}) => {
    if (child.isRunning) return;
    if (emptyStore) await rm(storeDir(dir), { recursive: true, force: true });
    if (config !== undefined) await writeConfig(dir, config);
    ({ child, ports } = await launch(binary, dir, host, ports));
  };
  const stop = async () => {
    await child.stop();
  };
  const monitorUrl = `http://${joinAddress(host, ports.monitor)}`;
  const { logFile } = child;
  return {
    port: ports.nats,
    monitorPort: ports.monitor,
    url: `nats://${joinAddress(host, ports.nats)}`,
    monitorUrl,
    logFile,
    version: binary.version,
    get pid() {
      return child.pid;
    },
    get isRunning() {
      return child.isRunning;
    },
    signal: (signal) => child.signal(signal),
    kill: () => child.kill(),
    start,
    restart: async (how) => {
      await stop();
      await start(how);
    },
    reload: async (config) => {
      await writeConfig(dir, config);
      child.signal('SIGHUP');
    },
    connections: () => readConnections(monitorUrl),
    log: () => readFile(logFile, 'utf8'),
    stop,
  };
}

/** Removes the store and the log in `dir`. Throws `data_in_use` while a server uses them. */
export async function removeNatsData(dir: string): Promise<void> {
  await waitForLeftover(dir);
  await rm(dir, { recursive: true, force: true });
}

interface Ports {
  nats: number;
  monitor: number;
}

function storeDir(dir: string): string {
  return join(dir, 'store');
}

async function launch(binary: NatsBinary, dir: string, host: string, ports: Ports) {
  await mkdir(dir, { recursive: true });
  await waitForLeftover(dir);
  await removeOldPorts(dir);
  for (const port of [ports.nats, ports.monitor]) {
    if (port !== CHOOSE_PORT && !(await isPortFree(port, host))) throw portTaken(port);
  }
  const args = [
    '-c',
    configFile(dir),
    '-a',
    host,
    '-p',
    String(ports.nats),
    '-m',
    String(ports.monitor),
  ];
  args.push('-js', '-sd', storeDir(dir), '-P', pidFile(dir), '--ports_file_dir', dir);
  const child = await startChild({
    name: 'nats-server',
    command: binary.path,
    args,
    logFile: join(dir, 'nats.log'),
  });
  let actual: Ports | undefined;
  await child.waitUntilReady(async () => {
    actual ??= await readPorts(join(dir, `${basename(binary.path)}_${child.pid}.ports`));
    return actual !== undefined && (await isHealthy(`http://${joinAddress(host, actual.monitor)}`));
  }, READY_LIMIT_MS);
  return { child, ports: actual as Ports } satisfies { child: Child; ports: Ports };
}

function configFile(dir: string): string {
  return join(dir, 'nats.conf');
}

async function writeConfig(dir: string, config: string): Promise<void> {
  await mkdir(dir, { recursive: true });
  // Given as an argument, the name would make every reload fail.
  await writeFile(configFile(dir), `server_name: relink\n${config}`);
}

function pidFile(dir: string): string {
  return join(dir, 'nats.pid');
}

function portTaken(port: number): ServerError {
  return new ServerError(
    'port_taken',
    `port ${port} for NATS is in use by another program: stop it, or choose other ports ` +
      '(--port-base N)',
  );
}

/** Two servers on one store would destroy it, and nats-server does not check. */
async function waitForLeftover(dir: string): Promise<void> {
  const pid = await readPid(pidFile(dir));
  if (pid === undefined || (await waitUntilGone(pid, storeDir(dir), LEFTOVER_LIMIT_MS))) return;
  throw new ServerError(
    'data_in_use',
    `another nats-server (pid ${pid}) uses ${dir}: stop it first (kill ${pid})`,
  );
}

/** A killed server leaves its ports file, and its pid may be used again. */
async function removeOldPorts(dir: string): Promise<void> {
  for (const name of await readdir(dir)) {
    if (name.endsWith('.ports')) await rm(join(dir, name), { force: true });
  }
}

/** The server writes its ports to a file once it listens. */
async function readPorts(file: string): Promise<Ports | undefined> {
  const text = await readFile(file, 'utf8').catch(() => '');
  if (!text.trimEnd().endsWith('}')) return undefined;
  const { nats, monitoring } = JSON.parse(text) as { nats: string[]; monitoring: string[] };
  const portOf = (urls: string[]) => Number(new URL(urls[0] as string).port);
  return { nats: portOf(nats), monitor: portOf(monitoring) };
}

async function isHealthy(monitorUrl: string): Promise<boolean> {
  return askMonitor(`${monitorUrl}/healthz`).then(
    (answer) => answer.ok,
    () => false,
  );
}

async function readConnections(monitorUrl: string): Promise<NatsConnection[]> {
  const answer = await askMonitor(`${monitorUrl}/connz?limit=1000`);
  return ((await answer.json()) as { connections: NatsConnection[] }).connections;
}

function askMonitor(url: string): Promise<Response> {
  return fetch(url, { signal: AbortSignal.timeout(MONITOR_LIMIT_MS) });
}
