/** `npm start`: the whole stack for exploring, until Ctrl-C. Data survives in `.relink/`. */

import { rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { describeStack } from './addresses.ts';
import { readEnvironment } from './environment.ts';
import { keepRunning } from './keeping.ts';
import { DEFAULT_PORT_BASE, portsFrom } from './ports.ts';
import { type Child, startChild } from './servers/child.ts';
import { cleanUpAll, ServerError } from './servers/errors.ts';
import { exists, PROJECT_DIR, STACK_DIR } from './servers/folders.ts';
import { removeNatsData } from './servers/nats.ts';
import { removePostgresData } from './servers/postgres.ts';
import { type Stack, startStack } from './stack.ts';

const USAGE = `usage: npm start -- [options]

  --fresh        forget the data of earlier starts
  --traffic N    live traffic of N requests a second
  --replicas N   processes of each service (1)
  --port-base N  moves all ports; the operator's gRPC is on N + 1 (${DEFAULT_PORT_BASE})
  --data DIR     keeps the data there instead of in .relink/
  --json         the addresses as one line of JSON on standard output`;

const EXIT_FAILED = 1;
const EXIT_USAGE = 2;
const EXIT_INTERRUPTED = 130;
/** More processes than this do not fit the connections of one PostgreSQL. */
const MAX_REPLICAS = 8;
const MAX_TRAFFIC_PER_SECOND = 10_000;

interface StartOptions {
  fresh: boolean;
  json: boolean;
  traffic: number;
  replicas: number;
  portBase: number;
  dataDir: string;
}

const say = (line: string) => process.stderr.write(`${line}\n`);

function readOptions(args: string[]): StartOptions {
  const { values } = parseArgs({
    args,
    options: {
      fresh: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      traffic: { type: 'string', default: '0' },
      replicas: { type: 'string', default: '1' },
      data: { type: 'string', default: STACK_DIR },
      'port-base': { type: 'string', default: String(DEFAULT_PORT_BASE) },
    },
  });
  return {
    fresh: values.fresh,
    json: values.json,
    traffic: readNumber('--traffic', values.traffic, 0, MAX_TRAFFIC_PER_SECOND),
    dataDir: resolve(values.data),
    replicas: readNumber('--replicas', values.replicas, 1, MAX_REPLICAS),
    portBase: readNumber('--port-base', values['port-base'], 1024, 65_535),
  };
}

function readNumber(flag: string, text: string, least: number, most: number): number {
  const number = Number(text);
  if (Number.isInteger(number) && number >= least && number <= most) return number;
  throw new RangeError(`${flag} takes a whole number from ${least} to ${most}, not "${text}"`);
}

async function start(options: StartOptions): Promise<void> {
  const { postgresUrl, natsUrl, host } = readEnvironment();
  const ports = portsFrom(options.portBase);
  if (options.fresh) await forgetData(options.dataDir);
  const keeper = keepRunning({ say });
  const stack = await startStack({
    dataDir: options.dataDir,
    ports,
    postgresUrl,
    natsUrl,
    host,
    replicas: options.replicas,
    say,
    onUnexpectedEnd: keeper.onUnexpectedEnd,
  });
  const traffic = options.traffic > 0 ? await startTraffic(stack, options) : undefined;
  if (options.json) process.stdout.write(`${JSON.stringify(stack.addresses)}\n`);
  else process.stdout.write(describeStack(stack.addresses));
  await untilInterrupted();
  say('stopping');
  await cleanUpAll('stopping the stack', [
    () => traffic?.stop(),
    () => keeper.stop(),
    () => stack.stop(),
  ]);
  say(`stopped; the data is kept in ${options.dataDir} (npm start -- --fresh forgets it)`);
}

async function forgetData(dataDir: string): Promise<void> {
  // Both refuse while a stack runs on them; PostgreSQL's data may lie elsewhere for root.
  await removePostgresData(join(dataDir, 'postgres'));
  await removeNatsData(join(dataDir, 'nats'));
  await rm(dataDir, { recursive: true, force: true });
}

async function startTraffic(stack: Stack, options: StartOptions): Promise<Child> {
  const main = join(PROJECT_DIR, 'demo', 'traffic', 'main.ts');
  if (!(await exists(main))) throw new ServerError('not_found', `there is no ${main}`);
  const peers = stack.programs[0]?.env.RELINK_PEERS ?? '';
  return startChild({
    name: 'traffic',
    command: process.execPath,
    args: [main, '--rate', String(options.traffic)],
    env: { RELINK_PEERS: peers },
    logFile: join(options.dataDir, 'logs', 'traffic.log'),
  });
}

/** The second Ctrl-C does not wait: the guard stops what still runs. */
function untilInterrupted(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      process.removeAllListeners(signal);
      process.once(signal, () => {
        process.once(signal, () => process.exit(EXIT_INTERRUPTED));
        resolve();
      });
    }
  });
}

async function main(args: string[]): Promise<number> {
  // While starting there is nothing to finish: the guard stops what came up so far.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => process.exit(EXIT_INTERRUPTED));
  }
  if (args.includes('--help')) {
    process.stdout.write(`${USAGE}\n`);
    return 0;
  }
  let options: StartOptions;
  try {
    options = readOptions(args);
  } catch (error) {
    say(`${(error as Error).message}\n\n${USAGE}`);
    return EXIT_USAGE;
  }
  try {
    await start(options);
    return 0;
  } catch (error) {
    say(error instanceof ServerError ? error.message : String((error as Error).stack));
    return EXIT_FAILED;
  }
}

process.exitCode = await main(process.argv.slice(2));
