/** `npm start`: runs the whole stack until Ctrl-C. The data stays in `.relink/`. */

import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { endSignal } from '../runtime/endSignal.ts';
import { CodedError, messageOf, toError } from '../runtime/errors.ts';
import { outliveReaders } from '../runtime/outputs.ts';
import { describeStack } from './addresses.ts';
import { readDevEnvironment } from './environment.ts';
import { isPortFree, portsFrom } from './ports.ts';
import { restartOnChange } from './restartOnChange.ts';
import { restartOnCrash } from './restartOnCrash.ts';
import { type Child, startChild } from './servers/child.ts';
import { cleanUpAll, ServerError } from './servers/errors.ts';
import { exists, PROJECT_DIR, STACK_DIR } from './servers/folders.ts';
import { removeNatsData } from './servers/nats.ts';
import { removePostgresData } from './servers/postgres.ts';
import { natsFolders, type Stack, startStack } from './stack.ts';
import { readStartOptions, START_USAGE, type StartOptions } from './startOptions.ts';

const EXIT_FAILED = 1;
const EXIT_USAGE = 2;
const EXIT_INTERRUPTED = 130;
const FIRST_INSPECTOR_PORT = 9229;
const say = (line: string) => process.stderr.write(`${line}\n`);

async function start(options: StartOptions, asked: AbortSignal): Promise<void> {
  // During the start there is nothing to finish: the guard stops what is running so far.
  const giveUp = () => process.exit(EXIT_INTERRUPTED);
  asked.addEventListener('abort', giveUp);
  const { postgresUrl, natsUrl, host } = readDevEnvironment();
  const ports = portsFrom(options.portBase);
  if (options.fresh) await removeData(options.dataDir);
  const restarter = restartOnCrash({ say });
  const stack = await startStack({
    dataDir: options.dataDir,
    ports,
    postgresUrl,
    natsUrl,
    host,
    replicas: options.replicas,
    natsNodes: options.natsNodes,
    env: { RELINK_LOG_LEVEL: options.logLevel },
    envOf: settingsOf(options),
    inspect: await choosePorts(options.inspect),
    say,
    onUnexpectedEnd: restarter.onUnexpectedEnd,
  });
  const restarting = options.watch
    ? await restartOnChange({ programs: stack.programs, root: PROJECT_DIR, say })
    : undefined;
  const traffic = options.traffic > 0 ? await startTraffic(stack, options) : undefined;
  if (options.json) process.stdout.write(`${JSON.stringify(stack.addresses)}\n`);
  else process.stdout.write(describeStack(stack.addresses));
  asked.removeEventListener('abort', giveUp);
  if (!asked.aborted) await once(asked, 'abort');
  say('stopping');
  await cleanUpAll('stopping the stack', [
    () => traffic?.stop(),
    () => restarting?.stop(),
    () => restarter.stop(),
    () => stack.stop(),
  ]);
  say(`stopped; ${describeData(options.dataDir, { postgresUrl, natsUrl })}`);
}

/** Of servers that were given, only the logs are in the folder; `--fresh` leaves the servers alone. */
function describeData(
  dataDir: string,
  { postgresUrl, natsUrl }: { postgresUrl?: string | undefined; natsUrl?: string | undefined },
): string {
  if (postgresUrl && natsUrl)
    return `the data is kept by the servers given, logs are in ${dataDir}`;
  const folder = dataDir === STACK_DIR ? '' : ` --data ${dataDir}`;
  return `the data is kept in ${dataDir} (npm start -- --fresh${folder} deletes it)`;
}

function settingsOf({ failpoints }: StartOptions): Record<string, Record<string, string>> {
  const armed = Object.entries(failpoints);
  return Object.fromEntries(armed.map(([name, text]) => [name, { RELINK_FAILPOINTS: text }]));
}

/** The first free ports, starting from the one that debuggers try by default. */
async function choosePorts(names: readonly string[]): Promise<Record<string, number>> {
  const chosen: Record<string, number> = {};
  let port = FIRST_INSPECTOR_PORT;
  for (const name of names) {
    while (!(await isPortFree(port))) port += 1;
    chosen[name] = port;
    port += 1;
  }
  return chosen;
}

async function removeData(dataDir: string): Promise<void> {
  // Both refuse while a stack uses the data. For root, PostgreSQL's may be in another folder.
  await removePostgresData(join(dataDir, 'postgres'));
  for (const folder of natsFolders(dataDir)) await removeNatsData(folder);
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

async function main(args: string[]): Promise<number> {
  if (args.includes('--help')) {
    process.stdout.write(`${START_USAGE}\n`);
    return 0;
  }
  let options: StartOptions;
  try {
    options = readStartOptions(args);
  } catch (error) {
    say(`${messageOf(error)}\n\n${START_USAGE}`);
    return EXIT_USAGE;
  }
  try {
    await start(options, endSignal());
    return 0;
  } catch (error) {
    say(error instanceof CodedError ? error.message : String(toError(error).stack));
    return EXIT_FAILED;
  }
}

outliveReaders();
process.exitCode = await main(process.argv.slice(2));
