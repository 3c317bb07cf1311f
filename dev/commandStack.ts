/** A stack that `npm start` runs, as for anybody, on free ports and in a folder of its own. */
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isPortFree, namedPorts, portsFrom } from './ports.ts';
import { type ChildExit, startChild } from './servers/child.ts';
import { cleanUpAll, ServerError } from './servers/errors.ts';
import { makeRunDir, PROJECT_DIR } from './servers/folders.ts';
import { removePostgresData } from './servers/postgres.ts';
import type { StackAddresses } from './stack.ts';

const READY_LIMIT_MS = 120_000;
/** It stops six processes and two servers. */
const STOP_LIMIT_MS = 60_000;
const BASES = { first: 15_000, last: 30_000, step: 200 };

export interface CommandStack {
  readonly addresses: StackAddresses;
  /** Holds the data and the logs of the processes. */
  readonly dataDir: string;
  /** What the command has printed so far. */
  output(): Promise<string>;
  /** Stops everything, by npm's own SIGTERM, and removes the data; how npm ended. Safe twice. */
  stop(): Promise<ChildExit>;
}

/** Runs `npm start` with further arguments and waits until everything is up. */
export async function startByCommand(...args: string[]): Promise<CommandStack> {
  const dir = await makeRunDir('command');
  const dataDir = join(dir, 'data');
  const logFile = join(dir, 'log');
  const base = await findBase();
  const child = await startChild({
    name: 'npm start',
    command: 'npm',
    args: ['start', '--', '--json', '--port-base', String(base), '--data', dataDir, ...args],
    cwd: PROJECT_DIR,
    logFile,
    stopLimitMs: STOP_LIMIT_MS,
  });
  const stop = async () => {
    await cleanUpAll('stopping npm start', [
      () => child.stop(),
      () => removePostgresData(join(dataDir, 'postgres')),
      () => rm(dir, { recursive: true, force: true }),
    ]);
    return child.exited;
  };
  try {
    const isUp = async () => (await readAddresses(logFile)) !== undefined;
    await child.waitUntilReady(isUp, READY_LIMIT_MS);
    const addresses = (await readAddresses(logFile))!;
    return { addresses, dataDir, output: () => readFile(logFile, 'utf8'), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** The line of JSON among what is said. */
async function readAddresses(logFile: string): Promise<StackAddresses | undefined> {
  const lines = (await readFile(logFile, 'utf8')).split('\n').slice(0, -1);
  const line = lines.find((one) => one.startsWith('{'));
  return line === undefined ? undefined : (JSON.parse(line) as StackAddresses);
}

async function findBase(): Promise<number> {
  for (let base = BASES.first; base < BASES.last; base += BASES.step) {
    const free = await Promise.all(namedPorts(portsFrom(base)).map(({ port }) => isPortFree(port)));
    if (free.every(Boolean)) return base;
  }
  throw new ServerError('port_taken', `no ports for a stack from ${BASES.first} to ${BASES.last}`);
}
