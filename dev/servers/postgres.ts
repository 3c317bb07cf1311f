/** Runs a PostgreSQL server: one data folder, one port, stopped when this process ends. */

import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { chown, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { joinAddress } from '../../runtime/address.ts';
import { freePorts, isPortFree } from '../ports.ts';
import { type Child, type ChildExit, startChild } from './child.ts';
import { ServerError } from './errors.ts';
import { canEnter, exists, makeOpenDir, ROOT_STATE_DIR, temporaryName } from './folders.ts';
import { findPostgresBinaries, type PostgresBinaries } from './postgresBinaries.ts';
import { readPid, waitUntilGone } from './running.ts';

const run = promisify(execFile);

const SUPERUSER = 'postgres';
/** Recovery after a kill replays up to `max_wal_size`, which takes a while on a slow disk. */
const READY_LIMIT_MS = 60_000;
/** A fast shutdown writes a checkpoint first. */
const STOP_LIMIT_MS = 30_000;
/** The longest that the guard of a killed predecessor takes to stop its server. */
const LEFTOVER_LIMIT_MS = 15_000;
/** Another program may take a free port before we use it. */
const PORT_TRIES = 3;
/** Five services with a few replicas, each with a pool, plus the tests' own connections. */
const MAX_CONNECTIONS = 300;

export interface PostgresOptions {
  /** Folder for data, password and log; created when missing. */
  dir: string;
  /** 0 or absent: a free port. */
  port?: number;
  host?: string;
  /** Further server settings, for example `{ log_statement: 'all' }`. */
  settings?: Record<string, string>;
}

/**
 * For test servers that are never killed: nothing has to survive a power failure, and creating and
 * dropping hundreds of databases is much faster.
 */
export const NOT_DURABLE: Readonly<Record<string, string>> = {
  fsync: 'off',
  full_page_writes: 'off',
  max_wal_size: '4GB',
};

export interface PostgresServer {
  readonly port: number;
  readonly dataDir: string;
  readonly logFile: string;
  /** Administrator's URL of the database `postgres`. */
  readonly url: string;
  /** URL of another database. */
  urlOf(database: string): string;
  readonly pid: number;
  readonly isRunning: boolean;
  /**
   * SIGSTOP and SIGCONT reach only the postmaster: it accepts no connections, existing ones go on.
   */
  signal(signal: NodeJS.Signals): boolean;
  /** Kills it: clients see a broken connection. */
  kill(): Promise<ChildExit>;
  /** Starts it again on the same port and data, after `stop` or `kill`. */
  start(): Promise<void>;
  stop(): Promise<void>;
}

/**
 * Starts PostgreSQL with full durability (fsync) on the data in `dir`, created at first use. Throws
 * `port_taken`, `data_in_use`, `data_unusable`, `start_failed`, `start_timeout`, `not_found`.
 */
export async function startPostgres(options: PostgresOptions): Promise<PostgresServer> {
  const host = options.host ?? '127.0.0.1';
  const binaries = await findPostgresBinaries();
  const dir = await reachableDir(options.dir, binaries);
  const logFile = join(options.dir, 'postgres.log');
  const dataDir = join(dir, 'data');
  const launch = { binaries, dataDir, logFile, host, settings: options.settings ?? {} };
  const password = await prepareData(dir, launch);
  let { child, port } = await launchOnPort(launch, options.port ?? 0);

  const urlOf = (database: string) =>
    `postgres://${SUPERUSER}:${password}@${joinAddress(host, port)}/${database}`;
  return {
    port,
    dataDir,
    logFile,
    url: urlOf('postgres'),
    urlOf,
    get pid() {
      return child.pid;
    },
    get isRunning() {
      return child.isRunning;
    },
    signal: (signal) => child.signal(signal),
    kill: () => child.kill(),
    start: async () => {
      if (!child.isRunning) ({ child, port } = await launchOnPort(launch, port));
    },
    stop: async () => {
      await child.stop();
    },
  };
}

/**
 * Removes the data that `startPostgres` keeps for `dir`, also where root keeps it.
 * Throws `data_in_use` while a server uses it.
 */
export async function removePostgresData(dir: string): Promise<void> {
  const dirs = process.getuid?.() === 0 ? [dir, rootStateDir(dir)] : [dir];
  for (const one of dirs) await waitForLeftover(join(one, 'data'));
  for (const one of dirs) await rm(one, { recursive: true, force: true });
}

/**
 * Copies the data that `startPostgres` keeps for `from` to where it will look for that of `to`: the
 * server of `from` was stopped, that of `to` never started.
 */
export async function copyPostgresData(from: string, to: string): Promise<void> {
  const binaries = await findPostgresBinaries();
  const source = await reachableDir(from, binaries);
  const target = await reachableDir(to, binaries);
  await run('cp', ['-a', join(source, 'data'), join(source, 'password'), target]);
}

interface Launch {
  binaries: PostgresBinaries;
  dataDir: string;
  logFile: string;
  host: string;
  settings: Record<string, string>;
}

async function launchOnPort(launch: Launch, wanted: number) {
  for (let tries = 1; ; tries++) {
    const port = wanted || ((await freePorts(1, launch.host))[0] as number);
    try {
      return { child: await launchServer(launch, port), port };
    } catch (error) {
      const isTaken = error instanceof ServerError && error.code === 'port_taken';
      if (wanted || !isTaken || tries === PORT_TRIES) throw error;
    }
  }
}

async function launchServer(launch: Launch, port: number): Promise<Child> {
  const { binaries, dataDir, host } = launch;
  await waitForLeftover(dataDir);
  if (!(await isPortFree(port, host))) throw portTaken(port);
  const settings = Object.entries({ ...serverSettings(host, port), ...launch.settings });
  const child = await startChild({
    name: 'PostgreSQL',
    command: binaries.postgres,
    args: ['-D', dataDir, ...settings.flatMap(([key, value]) => ['-c', `${key}=${value}`])],
    // Our working folder may be unreadable for the server's user.
    cwd: '/',
    uid: binaries.user?.uid,
    gid: binaries.user?.gid,
    logFile: launch.logFile,
    // Fast shutdown: ends client connections; SIGTERM would wait for them.
    stopSignal: 'SIGINT',
    stopLimitMs: STOP_LIMIT_MS,
  });
  try {
    await child.waitUntilReady(() => isReady(dataDir, child.pid), READY_LIMIT_MS);
  } catch (error) {
    throw (await isPortFree(port, host)) ? error : portTaken(port);
  }
  return child;
}

function portTaken(port: number): ServerError {
  return new ServerError(
    'port_taken',
    `port ${port} for PostgreSQL is in use by another program: stop it, or choose other ports ` +
      '(--port-base N)',
  );
}

function serverSettings(host: string, port: number): Record<string, string> {
  return {
    listen_addresses: host,
    port: String(port),
    unix_socket_directories: '',
    max_connections: String(MAX_CONNECTIONS),
    shared_buffers: '128MB',
    // Plans of short statements are not worth compiling, and tests need steady times.
    jit: 'off',
    timezone: 'UTC',
    log_timezone: 'UTC',
    lc_messages: 'C',
    log_checkpoints: 'off',
    log_line_prefix: '%m [%p] %q%a@%d ',
    cluster_name: 'relink',
  };
}

/** The server writes its state into the eighth line of its pid file. */
async function isReady(dataDir: string, pid: number): Promise<boolean> {
  const text = await readFile(join(dataDir, 'postmaster.pid'), 'utf8').catch(() => '');
  const lines = text.split('\n');
  return Number(lines[0]) === pid && lines[7]?.trim() === 'ready';
}

/**
 * A crash leaves the pid file behind. This waits for a server that is still shutting down, and
 * removes the file when its pid belongs to another program now: PostgreSQL would refuse to start
 * otherwise.
 */
async function waitForLeftover(dataDir: string): Promise<void> {
  const pidFile = join(dataDir, 'postmaster.pid');
  const pid = await readPid(pidFile);
  if (pid === undefined) return;
  if (!(await waitUntilGone(pid, dataDir, LEFTOVER_LIMIT_MS))) {
    throw new ServerError(
      'data_in_use',
      `another PostgreSQL (pid ${pid}) uses ${dataDir}: stop it first (kill -INT ${pid})`,
    );
  }
  await rm(pidFile, { force: true });
}

/** Creates the cluster at first use; returns the superuser's password. */
async function prepareData(dir: string, launch: Launch): Promise<string> {
  const { dataDir } = launch;
  const passwordFile = join(dir, 'password');
  if (await exists(join(dataDir, 'PG_VERSION'))) return readPassword(passwordFile);
  if ((await exists(dataDir)) && (await readdir(dataDir)).length > 0) {
    throw new ServerError(
      'data_unusable',
      `${dataDir} is not a PostgreSQL data folder: remove it, or run npm start -- --fresh`,
    );
  }
  const password = randomBytes(18).toString('base64url');
  await writeFile(passwordFile, `${password}\n`, { mode: 0o600 });
  await initialise(passwordFile, launch);
  return password;
}

async function readPassword(file: string): Promise<string> {
  try {
    return (await readFile(file, 'utf8')).trim();
  } catch (cause) {
    throw new ServerError(
      'data_unusable',
      `cannot read ${file}, without which the data beside it cannot be used: run as the user ` +
        'who created it, or start over with npm start -- --fresh',
      { cause },
    );
  }
}

/** Fills a folder beside `dataDir` and renames it, so that no partial cluster is left there. */
async function initialise(passwordFile: string, { dataDir, binaries, settings }: Launch) {
  const { initdb, user } = binaries;
  const fresh = temporaryName(dataDir);
  const freshPassword = `${fresh}.password`;
  await mkdir(fresh, { mode: 0o700 });
  await writeFile(freshPassword, await readFile(passwordFile), { mode: 0o600 });
  if (user) {
    await chown(fresh, user.uid, user.gid);
    await chown(freshPassword, user.uid, user.gid);
  }
  // Text is ordered by bytes, the same on every machine. The password is random: hashing it thousands
  // of times would only slow down connecting.
  const args = ['-D', fresh, '-U', SUPERUSER, `--pwfile=${freshPassword}`];
  args.push('--auth=scram-sha-256', '--encoding=UTF8', '--no-locale');
  args.push('--locale-provider=builtin', '--builtin-locale=C.UTF-8', '--set=scram_iterations=1');
  if (settings.fsync === 'off') args.push('--no-sync');
  try {
    await run(initdb, args, { cwd: '/', uid: user?.uid, gid: user?.gid });
    await rm(dataDir, { recursive: true, force: true });
    await rename(fresh, dataDir);
  } catch (cause) {
    await rm(fresh, { recursive: true, force: true });
    const { stderr } = cause as { stderr?: string };
    throw new ServerError('start_failed', `initdb failed for ${dataDir}: ${stderr ?? cause}`, {
      cause,
    });
  } finally {
    await rm(freshPassword, { force: true });
  }
}

/**
 * The folder itself; for root, when the server's user cannot enter it, one under `/var/lib/relink`,
 * with a note about it in `dir`.
 */
async function reachableDir(dir: string, { user }: PostgresBinaries): Promise<string> {
  await mkdir(dir, { recursive: true });
  if (!user) return dir;
  if (await canEnter(dir, user.uid, user.gid)) return dir;
  await makeOpenDir(ROOT_STATE_DIR);
  const elsewhere = await makeOpenDir(rootStateDir(dir));
  await writeFile(
    join(dir, 'WHERE.txt'),
    `PostgreSQL runs as ${user.name}, who cannot enter this folder. Its data is in ${elsewhere}\n`,
  );
  return elsewhere;
}

function rootStateDir(dir: string): string {
  return join(ROOT_STATE_DIR, createHash('sha256').update(dir).digest('hex').slice(0, 16));
}
