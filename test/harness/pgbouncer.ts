/** pgbouncer with its default settings, from PATH or from where Debian's package puts it. */
import { spawnSync } from 'node:child_process';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePorts, isPortFree } from '../../dev/ports.ts';
import { startChild } from '../../dev/servers/child.ts';
import { makeRunDir } from '../../dev/servers/folders.ts';

const READY_LIMIT_MS = 10_000;
/** It refuses to run as root. */
const NOBODY = 65_534;
/** Not on the PATH of Debian's ordinary users. */
const CANDIDATES = ['pgbouncer', '/usr/sbin/pgbouncer'];

const command = CANDIDATES.find((one) => spawnSync(one, ['--version']).status === 0);
/** Why tests of pgbouncer cannot run, and what to do about it; false when they can. */
export const noPgbouncer = command
  ? false
  : 'there is no pgbouncer: install it (Debian: apt-get install pgbouncer)';

export type PoolMode = 'session' | 'transaction' | 'statement';

export interface Pgbouncer {
  /** The same database through pgbouncer. */
  through(url: string): string;
  stop(): Promise<void>;
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
    command: command!,
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
