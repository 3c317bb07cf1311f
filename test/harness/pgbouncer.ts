/** pgbouncer with its default settings, from Debian's package or wherever PATH has it. */
import { spawnSync } from 'node:child_process';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePorts, isPortFree } from '../../dev/ports.ts';
import { startChild } from '../../dev/servers/child.ts';
import { makeRunDir } from '../../dev/servers/folders.ts';

const READY_LIMIT_MS = 10_000;
/** It refuses to run as root. */
const NOBODY = 65_534;

export type PoolMode = 'session' | 'transaction' | 'statement';

export interface Pgbouncer {
  /** The same database through pgbouncer. */
  through(url: string): string;
  stop(): Promise<void>;
}

export function hasPgbouncer(): boolean {
  return spawnSync('pgbouncer', ['--version']).status === 0;
}

/** Passes every database of the server at `url` on, with that URL's user and password. */
export async function startPgbouncer(url: string, mode: PoolMode): Promise<Pgbouncer> {
  const dir = await makeRunDir('pgbouncer');
  const [port] = (await freePorts(1)) as [number];
  const file = join(dir, 'pgbouncer.ini');
  await writeFile(file, configOf(new URL(url), port, mode));
  const isRoot = process.getuid?.() === 0;
  const child = await startChild({
    name: 'pgbouncer',
    command: 'pgbouncer',
    args: [file],
    logFile: join(dir, 'log'),
    ...(isRoot && { uid: NOBODY, gid: NOBODY }),
    stopSignal: 'SIGINT',
  });
  await child.waitUntilReady(async () => !(await isPortFree(port)), READY_LIMIT_MS);
  return {
    through: (direct) => Object.assign(new URL(direct), { port: String(port) }).href,
    stop: async () => {
      await child.kill();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

function configOf({ hostname, port, username, password }: URL, own: number, mode: PoolMode) {
  return `[databases]
* = host=${hostname} port=${port} user=${username} password=${decodeURIComponent(password)}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${own}
unix_socket_dir =
auth_type = any
pool_mode = ${mode}
`;
}
