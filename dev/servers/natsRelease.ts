/** The pinned release of nats-server and the ways to fetch it. */

import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { cleanEnvironment } from '../environment.ts';
import { exists } from './folders.ts';

const run = promisify(execFile);

export const PINNED_VERSION = '2.14.7';

/**
 * SHA-256 of `nats-server-v2.14.7-<platform>.tar.gz`, as the recipe of the official container image
 * (nats-io/nats-docker, 2.14.x/alpine3.22) pins them. That recipe covers Linux only: on another
 * platform the download is skipped until its line from the release's SHA256SUMS is added here.
 */
export const RELEASE_SHA256: Readonly<Record<string, string>> = {
  'linux-amd64': 'e5c20b1cb2c0566b54c544312e91e011f9e130c5c80f16a14f4cf28ef30b8be2',
  'linux-arm64': '50e0258a1b7290f3fe2e4f17506b74a90ffb1dd77867ae3a402eb0c9e2b0d40f',
  'linux-arm7': '820339a81ac3321a47ed1ebd2aabeebfb23544da13d6ec2c5fda115b5af8948d',
  'linux-386': '7c2b34da982d10fd5c6e51ad38035efe659fb4050b5f0873977297eb0a75a866',
  'linux-ppc64le': '7db5df67900443ee4dc93fb0bb134c68ee7c09501956dbcf12e4e9ec05c32913',
  'linux-s390x': '81634eac81dce5ffdcd74d6786f55e97db8af474b1a3c863bdcd2a73ad2e4c16',
};

/** From Node's names of architectures to the release's, where they differ. */
const RELEASE_ARCH: Readonly<Record<string, string>> = {
  x64: 'amd64',
  arm: 'arm7',
  ia32: '386',
  ppc64: 'ppc64le',
};

const RELEASES_URL = 'https://github.com/nats-io/nats-server/releases/download';
/** Short: without internet access, go on with the next source soon. */
const ANSWER_LIMIT_MS = 5_000;
/** 7 MB, even over a slow connection. */
const DOWNLOAD_LIMIT_MS = 120_000;
/** Compiling takes half a minute on two cores, plus fetching the modules. */
const GO_INSTALL_LIMIT_MS = 600_000;
const APT_LIMIT_MS = 180_000;

/** The release's name for this platform, for example `linux-amd64`. */
export function releasePlatform(platform = process.platform, arch: string = process.arch): string {
  return `${platform}-${RELEASE_ARCH[arch] ?? arch}`;
}

/** Downloads the official release into `target`, if its checksum is the pinned one. */
export async function downloadRelease(
  target: string,
  platform = releasePlatform(),
  releasesUrl = RELEASES_URL,
  pins = RELEASE_SHA256,
): Promise<void> {
  const pin = pins[platform];
  if (!pin) throw new Error(`no checksum is pinned for ${platform}`);
  const folder = `nats-server-v${PINNED_VERSION}-${platform}`;
  const archive = await download(`${releasesUrl}/v${PINNED_VERSION}/${folder}.tar.gz`);
  const sum = createHash('sha256').update(archive).digest('hex');
  if (sum !== pin) throw new Error(`the download has SHA-256 ${sum}, but ${pin} is pinned`);
  await inFolderBeside(target, async (dir) => {
    const file = join(dir, 'release.tar.gz');
    await writeFile(file, archive);
    await run('tar', ['-xzf', file, '-C', dir]);
    return join(dir, folder, 'nats-server');
  });
}

async function download(url: string): Promise<Buffer> {
  const abort = new AbortController();
  const late = (what: string) => () => abort.abort(new Error(what));
  let timer = setTimeout(late(`no answer within ${ANSWER_LIMIT_MS / 1000} s`), ANSWER_LIMIT_MS);
  try {
    const answer = await fetch(url, { signal: abort.signal });
    clearTimeout(timer);
    timer = setTimeout(late(`not done within ${DOWNLOAD_LIMIT_MS / 1000} s`), DOWNLOAD_LIMIT_MS);
    if (!answer.ok) throw new Error(`${url} answered ${answer.status}`);
    return Buffer.from(await answer.arrayBuffer());
  } catch (error) {
    const { cause } = error as { cause?: Error };
    throw cause?.message ? new Error(cause.message, { cause: error }) : error;
  } finally {
    clearTimeout(timer);
  }
}

/** Compiles the pinned version with Go. */
export async function installWithGo(go: string, target: string): Promise<void> {
  await inFolderBeside(target, async (dir) => {
    const module = `github.com/nats-io/nats-server/v2@v${PINNED_VERSION}`;
    await run(go, ['install', module], {
      env: cleanEnvironment({ GOBIN: dir }),
      timeout: GO_INSTALL_LIMIT_MS,
    });
    return join(dir, 'nats-server');
  });
}

/**
 * Extracts the program from Debian's package without installing it: an installed package would also
 * start a server on port 4222.
 */
export async function unpackDebianPackage(target: string): Promise<void> {
  await inFolderBeside(target, async (dir) => {
    const get = () => run('apt-get', ['download', '-q', 'nats-server'], aptOptions(dir));
    await get().catch(async () => {
      await run('apt-get', ['update', '-q'], aptOptions(dir));
      await get();
    });
    const file = (await readdir(dir)).find((name) => name.endsWith('.deb'));
    if (!file) throw new Error('apt-get download left no package');
    await run('dpkg-deb', ['-x', join(dir, file), dir]);
    return join(
      dir,
      'usr',
      (await exists(join(dir, 'usr/sbin/nats-server'))) ? 'sbin' : 'bin',
      'nats-server',
    );
  });
}

function aptOptions(cwd: string) {
  return {
    cwd,
    timeout: APT_LIMIT_MS,
    env: cleanEnvironment({ DEBIAN_FRONTEND: 'noninteractive' }),
  };
}

/** Runs `make` in a new folder beside `target`, then renames the program it returns to `target`. */
async function inFolderBeside(target: string, make: (dir: string) => Promise<string>) {
  await mkdir(dirname(target), { recursive: true });
  const dir = await mkdtemp(`${target}-`);
  try {
    await rename(await make(dir), target);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}
