import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { chmod, mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { makeRunDir } from './folders.ts';
import { findNatsServer, isOlder } from './natsBinary.ts';
import { downloadRelease, PINNED_VERSION, RELEASE_SHA256, releasePlatform } from './natsRelease.ts';

async function makeDir(t: TestContext): Promise<string> {
  const dir = await makeRunDir('binary');
  t.after(() => rm(dir, { recursive: true }));
  return dir;
}

/** A program that says a version, as nats-server does. */
async function makeProgram(file: string, output: string): Promise<string> {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, `#!/bin/sh\necho '${output}'\n`);
  await chmod(file, 0o755);
  return file;
}

/** Searches where nothing can be fetched; returns what it found and what it printed. */
async function find(cacheDir: string, natsServer?: string, path: string[] = []) {
  const said: string[] = [];
  const found = await findNatsServer({
    environment: { natsServer, path },
    cacheDir,
    say: (line) => said.push(line),
    download: () => Promise.reject(new Error('no network')),
    isRootOnDebian: false,
  });
  return { ...found, said: said.join('\n') };
}

test('the given path goes before PATH, and PATH before the cache', async (t) => {
  const dir = await makeDir(t);
  const given = await makeProgram(join(dir, 'given'), 'nats-server: v2.20.1');
  const inPath = await makeProgram(join(dir, 'bin', 'nats-server'), 'nats-server: v2.20.2');
  const cached = join(dir, 'cache', `nats-server-v${PINNED_VERSION}`);
  await makeProgram(cached, 'nats-server: v2.20.3');
  const cache = join(dir, 'cache');

  const first = await find(cache, given, [join(dir, 'bin')]);
  assert.deepEqual([first.path, first.version], [given, '2.20.1']);
  assert.match(first.said, /nats-server 2\.20\.1 from RELINK_NATS_SERVER/);
  assert.equal((await find(cache, undefined, [join(dir, 'bin')])).path, inPath);
  assert.equal((await find(cache)).path, cached);
});

test('a given path that does not work is an error and not passed over', async (t) => {
  const dir = await makeDir(t);
  await makeProgram(join(dir, 'bin', 'nats-server'), 'nats-server: v2.20.2');
  await assert.rejects(find(dir, join(dir, 'missing'), [join(dir, 'bin')]), {
    code: 'not_found',
    message: /RELINK_NATS_SERVER=.*missing cannot be used/,
  });
});

test('a server older than recommended is taken with a warning, one too old is passed over', async (t) => {
  const dir = await makeDir(t);
  await makeProgram(join(dir, 'old', 'nats-server'), 'nats-server: v2.9.10');
  await makeProgram(join(dir, 'ancient', 'nats-server'), 'nats-server: v2.8.4');
  const found = await find(dir, undefined, [join(dir, 'old')]);
  assert.match(found.said, /warning: nats-server 2\.9\.10 is older than 2\.14\.7/);
  await assert.rejects(find(dir, undefined, [join(dir, 'ancient')]), /PATH: .* is 2\.8\.4/);
});

test('without any source the error lists all that was tried and what to do', async (t) => {
  const dir = await makeDir(t);
  await assert.rejects(find(dir), (error: Error) => {
    for (const tried of ['PATH', 'cache', 'no network', 'no go on the PATH', 'only for root']) {
      assert.match(error.message, new RegExp(tried));
    }
    assert.match(error.message, /set RELINK_NATS_SERVER/);
    return true;
  });
});

test('versions are compared by number', () => {
  assert.equal(isOlder('2.9.10', '2.14.7'), true);
  assert.equal(isOlder('2.14.7', '2.14.7'), false);
  assert.equal(isOlder('2.14.7-RC.1', '2.14.7'), false);
  assert.equal(isOlder('3.0.0', '2.14.7'), false);
});

test('every pin is a SHA-256, and this platform is named as releases name it', () => {
  for (const pin of Object.values(RELEASE_SHA256)) assert.match(pin, /^[0-9a-f]{64}$/);
  assert.equal(releasePlatform('linux', 'x64'), 'linux-amd64');
  assert.equal(releasePlatform('darwin', 'arm64'), 'darwin-arm64');
});

/** Serves `body` as every release archive. */
async function serveRelease(t: TestContext, body: Buffer): Promise<string> {
  const server = createServer((_, response) => response.end(body)).listen(0, '127.0.0.1');
  t.after(() => {
    server.close();
  });
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as { port: number }).port}`;
}

test('a download whose checksum is not the pinned one is refused and leaves nothing', async (t) => {
  const dir = await makeDir(t);
  const url = await serveRelease(t, Buffer.from('something else'));
  const target = join(dir, 'nats-server');
  await assert.rejects(downloadRelease(target, 'linux-amd64', url), /the download has SHA-256/);
  assert.deepEqual(await readdir(dir), []);
});

test('a download that is what was pinned becomes the program', async (t) => {
  const dir = await makeDir(t);
  const folder = `nats-server-v${PINNED_VERSION}-linux-amd64`;
  await makeProgram(join(dir, folder, 'nats-server'), 'nats-server: v2.14.7');
  const archive = execFileSync('tar', ['-czf', '-', '-C', dir, folder]);
  const pins = { 'linux-amd64': createHash('sha256').update(archive).digest('hex') };
  const url = await serveRelease(t, archive);
  const target = join(dir, 'cache', 'nats-server');
  await downloadRelease(target, 'linux-amd64', url, pins);
  assert.deepEqual(await readdir(join(dir, 'cache')), ['nats-server']);
  assert.equal((await find(dir, target)).version, '2.14.7');
});

test('a platform without a pin is not downloaded', async (t) => {
  const dir = await makeDir(t);
  await assert.rejects(downloadRelease(join(dir, 'x'), 'plan9-amd64'), /no checksum is pinned/);
});
