/** Finds a nats-server or fetches one, so that nothing has to be installed first. */

import { execFile } from 'node:child_process';
import { access, constants } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type DevEnvironment, readDevEnvironment } from '../environment.ts';
import { ServerError } from './errors.ts';
import { CACHE_DIR, exists } from './folders.ts';
import {
  downloadRelease,
  installWithGo,
  PINNED_VERSION,
  RELEASE_SHA256,
  releasePlatform,
  unpackDebianPackage,
} from './natsRelease.ts';

const run = promisify(execFile);

/** The oldest version that works, and the version below which we warn. */
const OLDEST_VERSION = '2.9.0';
const RECOMMENDED_VERSION = '2.14.7';
const VERSION_LIMIT_MS = 10_000;

export interface NatsBinary {
  path: string;
  /** For example `2.14.7`. */
  version: string;
  /** Where it came from, in words. */
  source: string;
}

export interface FindOptions {
  environment?: Pick<DevEnvironment, 'natsServer' | 'path'>;
  cacheDir?: string;
  /** Called with what is being done; writes to standard error by default. */
  say?: (line: string) => void;
  /** How to download the release; tests replace it to do without a network. */
  download?: (target: string) => Promise<void>;
  isRootOnDebian?: boolean;
}

/** One place to look: `find` returns a path or throws why there is none. */
interface Source {
  name: string;
  find: () => Promise<string>;
}

/**
 * Finds nats-server in this order: `RELINK_NATS_SERVER`, `PATH`, this project's cache, the official
 * release (pinned by version and SHA-256), `go install`, Debian's package.
 * Throws `not_found` with everything that was tried and what to install.
 */
export async function findNatsServer(options: FindOptions = {}): Promise<NatsBinary> {
  const say = options.say ?? ((line) => process.stderr.write(`${line}\n`));
  const environment = options.environment ?? readDevEnvironment();
  if (environment.natsServer) return useGivenPath(environment.natsServer, say);
  const tried: string[] = [];
  for (const { name, find } of sources(options, environment, say)) {
    try {
      const path = await find();
      return announce({ path, version: await usableVersion(path), source: name }, say);
    } catch (error) {
      tried.push(`${name}: ${firstLine(error)}`);
    }
  }
  throw new ServerError('not_found', notFoundText(tried));
}

async function useGivenPath(path: string, say: (line: string) => void): Promise<NatsBinary> {
  try {
    return announce(
      { path, version: await usableVersion(path), source: 'RELINK_NATS_SERVER' },
      say,
    );
  } catch (cause) {
    throw new ServerError(
      'not_found',
      `RELINK_NATS_SERVER=${path} cannot be used: ${firstLine(cause)}. ` +
        'Set it to the path of a nats-server program, or unset it to search for one.',
      { cause },
    );
  }
}

function sources(
  options: FindOptions,
  { path }: Pick<DevEnvironment, 'path'>,
  say: (line: string) => void,
): Source[] {
  const cacheDir = options.cacheDir ?? CACHE_DIR;
  const cached = join(cacheDir, `nats-server-v${PINNED_VERSION}`);
  const cachedDebian = join(cacheDir, 'nats-server-debian');
  return [
    { name: 'PATH', find: () => findInPath('nats-server', path) },
    { name: "the project's cache", find: () => firstExisting([cached, cachedDebian]) },
    {
      name: `the official release ${PINNED_VERSION}`,
      find: async () => {
        if (RELEASE_SHA256[releasePlatform()]) say('nats-server: downloading the official release');
        await (options.download ?? downloadRelease)(cached);
        return cached;
      },
    },
    {
      name: `go install of ${PINNED_VERSION}`,
      find: async () => {
        const go = await findInPath('go', path);
        say('nats-server: compiling it with go install; this takes about a minute, once');
        await installWithGo(go, cached);
        return cached;
      },
    },
    {
      name: "Debian's package",
      find: async () => {
        if (!(options.isRootOnDebian ?? (await isRootOnDebian()))) {
          throw new Error('only for root on Debian and its derivatives');
        }
        say("nats-server: unpacking Debian's package");
        await unpackDebianPackage(cachedDebian);
        return cachedDebian;
      },
    },
  ];
}

async function findInPath(program: string, path: readonly string[]): Promise<string> {
  for (const dir of path) {
    const file = join(dir, program);
    if (await isExecutable(file)) return file;
  }
  throw new Error(`there is no ${program} on the PATH`);
}

async function isExecutable(file: string): Promise<boolean> {
  return access(file, constants.X_OK).then(
    () => true,
    () => false,
  );
}

async function firstExisting(files: readonly string[]): Promise<string> {
  for (const file of files) if (await exists(file)) return file;
  throw new Error('empty');
}

async function isRootOnDebian(): Promise<boolean> {
  return process.getuid?.() === 0 && (await exists('/etc/debian_version'));
}

async function usableVersion(path: string): Promise<string> {
  const { stdout } = await run(path, ['--version'], { timeout: VERSION_LIMIT_MS });
  const version = /v?(\d+\.\d+\.\d+\S*)/.exec(stdout)?.[1];
  if (!version) throw new Error(`${path} prints no version: ${stdout.trim()}`);
  if (isOlder(version, OLDEST_VERSION)) {
    throw new Error(`${path} is ${version}; the oldest version that works is ${OLDEST_VERSION}`);
  }
  return version;
}

function announce(found: NatsBinary, say: (line: string) => void): NatsBinary {
  say(`nats-server ${found.version} from ${found.source}: ${found.path}`);
  if (isOlder(found.version, RECOMMENDED_VERSION)) {
    say(
      `warning: nats-server ${found.version} is older than ${RECOMMENDED_VERSION}, which is ` +
        'recommended; set RELINK_NATS_SERVER to the path of a newer one',
    );
  }
  return found;
}

/** Compares versions by their three numbers; `2.14.7-RC.1` counts as `2.14.7`. */
export function isOlder(version: string, than: string): boolean {
  const numbers = (text: string) => text.split('.').map((part) => Number.parseInt(part, 10));
  const [a, b] = [numbers(version), numbers(than)];
  for (const at of [0, 1, 2]) {
    const difference = (a[at] ?? 0) - (b[at] ?? 0);
    if (difference !== 0) return difference < 0;
  }
  return false;
}

function firstLine(error: unknown): string {
  const { message, stderr } = error as { message?: string; stderr?: string };
  const text = stderr?.trim() || message || String(error);
  return text.split('\n')[0] as string;
}

function notFoundText(tried: readonly string[]): string {
  return [
    'cannot find or fetch a nats-server. Tried:',
    ...tried.map((line) => `  - ${line}`),
    'Do one of these and try again:',
    `  - install nats-server ${RECOMMENDED_VERSION} or newer (https://nats.io/download)`,
    '  - set RELINK_NATS_SERVER to the path of one',
    '  - set RELINK_NATS_URL to a running server with JetStream',
    '  - install Go (https://go.dev/dl), with which it is compiled automatically',
  ].join('\n');
}
