/** Servers as a company may have them: another release, defaults of its own, a pooler, a password. */
import { execFile } from 'node:child_process';
import { chown, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { promisify } from 'node:util';
import { freePorts, isPortFree } from '../../dev/ports.ts';
import { type Child, startChild } from '../../dev/servers/child.ts';
import { exists, makeRunDir } from '../../dev/servers/folders.ts';
import { findNatsServer } from '../../dev/servers/natsBinary.ts';
import { readEnvironment } from '../../runtime/environment.ts';

const run = promisify(execFile);
const READY_LIMIT_MS = 30_000;
const NOBODY = 65_534;
const DEBIAN_15 = '/usr/lib/postgresql/15/bin';

/** RELINK_TEST_POSTGRES_BIN, or where Debian puts PostgreSQL 15; undefined when there is none. */
export async function findForeignPostgres(): Promise<string | undefined> {
  const dir = readEnvironment('RELINK_TEST_POSTGRES_BIN') ?? DEBIAN_15;
  return (await exists(join(dir, 'postgres'))) ? dir : undefined;
}

/** Starts a server with these settings and returns its administrator's URL. */
export async function startForeignPostgres(
  t: TestContext,
  bin: string,
  settings: Readonly<Record<string, string>>,
): Promise<string> {
  const dir = await makeRunDir('foreign-postgres');
  const data = join(dir, 'data');
  await mkdir(data, { mode: 0o700 });
  const user = process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {};
  if ('uid' in user) await chown(data, NOBODY, NOBODY);
  const initdb = ['-D', data, '-U', 'postgres', '--auth=trust', '--encoding=UTF8', '--no-locale'];
  await run(join(bin, 'initdb'), initdb, { cwd: '/', ...user });
  const [port] = (await freePorts(1)) as [number];
  const all = {
    ...{ listen_addresses: '127.0.0.1', port: String(port), unix_socket_directories: '' },
    ...{ max_connections: '200', ...settings },
  };
  const server = await startChild({
    name: 'foreign PostgreSQL',
    command: join(bin, 'postgres'),
    args: [
      '-D',
      data,
      ...Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
    ],
    cwd: '/',
    ...user,
    logFile: join(dir, 'log'),
    stopSignal: 'SIGINT',
  });
  t.after(async () => {
    await server.stop();
    await rm(dir, { recursive: true, force: true });
  });
  const url = `postgres://postgres:any@127.0.0.1:${port}/postgres`;
  await server.waitUntilReady(() => answers(join(bin, 'pg_isready'), port), READY_LIMIT_MS);
  return url;
}

async function answers(pgIsReady: string, port: number): Promise<boolean> {
  return run(pgIsReady, ['-h', '127.0.0.1', '-p', String(port)]).then(
    () => true,
    () => false,
  );
}

/** A nats-server that lets in whoever knows its password, which a restart may change. */
export class GuardedNats {
  readonly url: string;
  readonly #dir: string;
  readonly #port: number;
  readonly #binary: string;
  #server: Child | undefined;

  static async start(t: TestContext, password: string): Promise<GuardedNats> {
    const { path } = await findNatsServer({ say: () => undefined });
    const [port] = (await freePorts(1)) as [number];
    const nats = new GuardedNats(await makeRunDir('guarded-nats'), port, path, password);
    t.after(() => nats.#remove());
    await nats.restart(password);
    return nats;
  }

  private constructor(dir: string, port: number, binary: string, password: string) {
    this.#dir = dir;
    this.#port = port;
    this.#binary = binary;
    this.url = `nats://relink:${password}@127.0.0.1:${port}`;
  }

  async restart(password: string): Promise<void> {
    await this.#server?.stop();
    const where = ['-a', '127.0.0.1', '-p', String(this.#port), '-js', '-sd', this.#dir];
    this.#server = await startChild({
      name: 'guarded nats-server',
      command: this.#binary,
      args: [...where, '--user', 'relink', '--pass', password],
      logFile: join(this.#dir, 'log'),
    });
    const isUp = async () => !(await isPortFree(this.#port));
    await this.#server.waitUntilReady(isUp, READY_LIMIT_MS);
  }

  async #remove(): Promise<void> {
    await this.#server?.stop();
    await rm(this.#dir, { recursive: true, force: true });
  }
}
