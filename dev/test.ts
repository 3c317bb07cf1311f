/**
 * `npm test`: runs the tests on one PostgreSQL of their own. Each test file creates its databases
 * there and starts its own NATS servers (test/harness). Anything left running afterwards fails the
 * run.
 */

import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { endSignal } from '../runtime/endSignal.ts';
import { messageOf, toError } from '../runtime/errors.ts';
import { outliveReaders } from '../runtime/outputs.ts';
import {
  dropTemplates,
  leftDatabases,
  postgresConnections,
  processesOfRun,
} from '../test/harness/leaks.ts';
import { until } from '../test/harness/until.ts';
import { cleanEnvironment, readDevEnvironment } from './environment.ts';
import { readFigures, textOf } from './figures.ts';
import { readKept, showKept } from './keptByTests.ts';
import { runTestFiles } from './runTestFiles.ts';
import { ServerError } from './servers/errors.ts';
import { COMPILE_CACHE, makeRunDir, PROJECT_DIR } from './servers/folders.ts';
import { findNatsServer } from './servers/natsBinary.ts';
import { NOT_DURABLE, removePostgresData, startPostgres } from './servers/postgres.ts';
import { findTestFiles, readTestOptions, TEST_USAGE, type TestOptions } from './testOptions.ts';

const EXIT_FAILED = 1;
const EXIT_USAGE = 2;
const EXIT_INTERRUPTED = 130;

/**
 * Limits of one test, one file and the whole run; the long ones are for `--long` and `--size`. They end what
 * hangs: a loaded machine may take three times as long for a file as an idle one.
 */
const LIMITS_MS = { test: 400_000, file: 1_200_000, run: 25 * 60_000 };
const LONG_LIMITS_MS = { test: 60 * 60_000, file: 70 * 60_000, run: 4 * 60 * 60_000 };
/** After a test file, its guard stops what it left within ten seconds on an idle machine. */
const LEFTOVER_LIMIT_MS = 90_000;

const say = (line: string) => process.stderr.write(`${line}\n`);

/** What all test files share, created before the first and removed after the last. */
interface TestRun {
  id: string;
  dir: string;
  postgresUrl: string;
  natsPath: string;
}

async function runTests(options: TestOptions, files: string[]): Promise<number> {
  const dir = await makeRunDir('test');
  const { postgresUrl: given } = readDevEnvironment();
  const postgres = given
    ? undefined
    : await startPostgres({ dir: join(dir, 'postgres'), settings: NOT_DURABLE });
  try {
    const postgresUrl = given ?? (postgres?.url as string);
    if (given) await dropTemplates(given);
    const { path: natsPath } = await findNatsServer({ say });
    const shared = { id: `${process.pid}-${Date.now()}`, dir, postgresUrl, natsPath };
    const exitCode = await runFiles(options, files, shared);
    const kept = options.keep ? await readKept(keptFile(shared)) : [];
    const left = (await findLeftovers(shared, given === undefined)).filter(
      (line) => !kept.some(({ database }) => line === `database ${database}`),
    );
    if (given) await dropTemplates(given);
    await showFigures(options, shared);
    for (const line of left) say(`left behind by the tests: ${line}`);
    await showKept(kept, { say, isOwnPostgres: given === undefined });
    return exitCode || (left.length > 0 ? EXIT_FAILED : 0);
  } finally {
    await postgres?.stop();
    await removePostgresData(preparedDir(dir));
    await rm(dir, { recursive: true, force: true });
  }
}

async function showFigures({ json }: TestOptions, shared: TestRun): Promise<void> {
  const figures = await readFigures(figuresFile(shared));
  if (json) process.stdout.write(`${JSON.stringify({ figures })}\n`);
  else if (figures.length > 0) process.stdout.write(`\n${figures.map(textOf).join('\n')}\n`);
}

async function runFiles(options: TestOptions, files: string[], shared: TestRun): Promise<number> {
  const limitsMs = options.long || options.size ? LONG_LIMITS_MS : LIMITS_MS;
  const asked = endSignal();
  const late = AbortSignal.timeout(limitsMs.run);
  late.addEventListener('abort', () =>
    say(`the tests did not end within ${limitsMs.run / 60_000} minutes`),
  );
  const hasPassed = await runTestFiles({
    ...{ files, concurrency: options.concurrency, namePattern: options.namePattern, say },
    output: options.json ? process.stderr : process.stdout,
    env: environmentOf(options, limitsMs.file, shared),
    nodeArguments: [
      `--import=${join(PROJECT_DIR, 'test', 'harness', 'fileLimit.ts')}`,
      `--test-timeout=${limitsMs.test}`,
    ],
    signal: AbortSignal.any([asked, late]),
  });
  if (asked.aborted) return EXIT_INTERRUPTED;
  return hasPassed ? 0 : EXIT_FAILED;
}

function environmentOf(options: TestOptions, fileLimitMs: number, shared: TestRun) {
  return cleanEnvironment({
    ...COMPILE_CACHE,
    RELINK_TEST_RUN: shared.id,
    RELINK_TEST_POSTGRES_URL: shared.postgresUrl,
    RELINK_TEST_PREPARED: preparedDir(shared.dir),
    RELINK_TEST_LEFTOVERS: leftoversFile(shared),
    RELINK_TEST_FIGURES: figuresFile(shared),
    RELINK_TEST_SCALE: String(options.scale),
    RELINK_TEST_FILE_LIMIT_MS: String(fileLimitMs),
    RELINK_NATS_SERVER: shared.natsPath,
    ...(options.keep ? { RELINK_TEST_KEPT: keptFile(shared) } : {}),
  });
}

function preparedDir(dir: string): string {
  return join(dir, 'prepared');
}

function keptFile(shared: TestRun): string {
  return join(shared.dir, 'kept');
}

function figuresFile(shared: TestRun): string {
  return join(shared.dir, 'figures');
}

function leftoversFile(shared: TestRun): string {
  return join(shared.dir, 'leftovers');
}

/** Processes, connections and databases that a test should have stopped, closed or dropped. */
async function findLeftovers(shared: TestRun, isOwnPostgres: boolean): Promise<string[]> {
  const processes = await waitUntilEmpty(() => processesOfRun(shared.id, new Set([process.pid])));
  const stopped = await readFile(leftoversFile(shared), 'utf8').catch(() => '');
  const connections = isOwnPostgres
    ? await waitUntilEmpty(() => postgresConnections(shared.postgresUrl))
    : [];
  return [
    ...processes,
    ...stopped
      .split('\n')
      .filter(Boolean)
      .map((name) => `${name}, stopped by the guard`),
    ...connections.map((line) => `PostgreSQL connection of ${line}`),
    ...(await leftDatabases(shared.postgresUrl)),
  ];
}

/** Waits for the list to become empty; returns the last one if it does not. */
async function waitUntilEmpty(list: () => Promise<string[]>): Promise<string[]> {
  let last: string[] = [];
  const isEmpty = async () => {
    last = await list();
    return last.length === 0;
  };
  // What is left at the deadline is the result, not an error.
  await until(isEmpty, { withinMs: LEFTOVER_LIMIT_MS, what: 'nothing', everyMs: 100 }).catch(
    () => undefined,
  );
  return last;
}

async function main(args: string[]): Promise<number> {
  if (args.includes('--help')) {
    process.stdout.write(`${TEST_USAGE}\n`);
    return 0;
  }
  let options: TestOptions;
  try {
    options = readTestOptions(args);
  } catch (error) {
    say(`${messageOf(error)}\n\n${TEST_USAGE}`);
    return EXIT_USAGE;
  }
  const files = findTestFiles(PROJECT_DIR, options);
  if (files.length === 0) {
    say(`no test file path contains ${options.filters.join(' or ')}`);
    return EXIT_USAGE;
  }
  try {
    return await runTests(options, files);
  } catch (error) {
    say(error instanceof ServerError ? error.message : String(toError(error).stack));
    return EXIT_FAILED;
  }
}

outliveReaders();
process.exitCode = await main(process.argv.slice(2));
