/** The folders of the development servers, and whether another user can enter one. */

import { randomBytes } from 'node:crypto';
import { access, chmod, constants, mkdir, mkdtemp, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, parse } from 'node:path';

/** The project's folder. */
export const PROJECT_DIR = join(import.meta.dirname, '..', '..');
/** Programs that were fetched or built once. */
export const CACHE_DIR = join(PROJECT_DIR, '.cache');
/** Cache of compiled code: types are stripped once, so a service starts in half the time. */
export const COMPILE_CACHE = { NODE_COMPILE_CACHE: join(CACHE_DIR, 'node') };
/** Data of `npm start`. */
export const STACK_DIR = join(PROJECT_DIR, '.relink');
/** The same for root, when the servers' user cannot enter the project's folder. */
export const ROOT_CACHE_DIR = '/var/cache/relink';
export const ROOT_STATE_DIR = '/var/lib/relink';

/** Makes a folder for one run; when we are root, PostgreSQL's user can enter it. */
export async function makeRunDir(name: string): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), `relink-${name}-`));
  await chmod(dir, 0o755);
  return dir;
}

/** A unique name, for files that are renamed when complete. */
export function temporaryName(path: string): string {
  return `${path}.${process.pid}-${randomBytes(4).toString('hex')}`;
}

export async function exists(path: string): Promise<boolean> {
  return access(path, constants.F_OK).then(
    () => true,
    () => false,
  );
}

/** Makes a folder that every user can list, whatever our umask. */
export async function makeOpenDir(dir: string): Promise<string> {
  await mkdir(dir, { recursive: true });
  await chmod(dir, 0o755);
  return dir;
}

/** Whether the user can enter the nearest existing folder of `path` and all above it. */
export async function canEnter(path: string, uid: number, gid: number): Promise<boolean> {
  let dir = path;
  while (!(await exists(dir))) dir = dirname(dir);
  for (;;) {
    const { mode, uid: owner, gid: group } = await stat(dir);
    const bit = owner === uid ? 0o100 : group === gid ? 0o010 : 0o001;
    if ((mode & bit) === 0) return false;
    if (dir === parse(dir).root) return true;
    dir = dirname(dir);
  }
}
