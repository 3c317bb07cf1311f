/** `npm run bench`: every goal's two sides in one run; see bench/goals/. */

import { parseArgs } from 'node:util';
import { findNatsServer } from '../dev/servers/natsBinary.ts';
import { editDistance } from '../runtime/editDistance.ts';
import { messageOf, toError } from '../runtime/errors.ts';
import type { BenchContext } from './benchmark.ts';
import { compareRuns, readEarlierRun } from './compare.ts';
import { benchmarks } from './goals/index.ts';
import { describeMachine, type Ratio, tableOf } from './report.ts';
import { startServers } from './servers.ts';

const ROUNDS = 5;
const QUICK_ROUNDS = 3;
/** A quick run does a fifth of the work: enough to see that it works, too noisy to compare. */
const QUICK_SCALE = 0.2;
const EXIT_FAILED = 1;
const EXIT_USAGE = 2;

const USAGE = `usage: npm run bench -- [options]

  --only NAME     one benchmark, may be given several times: ${benchmarks.map((b) => b.name).join(', ')}
  --rounds N      measured rounds of each side (${ROUNDS})
  --quick         ${QUICK_ROUNDS} short rounds: shows that it works, too noisy to compare
  --compare FILE  how ratios and CPU time changed since a run whose --json is in FILE
  --json          {"ratios":[…],"machine":{…}} on standard output`;

interface BenchOptions {
  readonly only: readonly string[];
  readonly rounds: number;
  readonly scale: number;
  readonly json: boolean;
  readonly earlier: readonly Ratio[] | undefined;
}

class UsageError extends Error {}

const say = (line: string) => process.stderr.write(`${line}\n`);

function readOptions(args: string[]): BenchOptions {
  const { values } = parseArgs({
    args,
    options: {
      only: { type: 'string', multiple: true, default: [] },
      rounds: { type: 'string' },
      quick: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      compare: { type: 'string' },
    },
  });
  for (const name of values.only) refuseUnknown(name);
  const rounds = Number(values.rounds ?? (values.quick ? QUICK_ROUNDS : ROUNDS));
  if (!Number.isInteger(rounds) || rounds < 1 || rounds > 1_000)
    throw new UsageError(`--rounds must be a whole number from 1 to 1000, not "${values.rounds}"`);
  const scale = values.quick ? QUICK_SCALE : 1;
  const earlier = values.compare === undefined ? undefined : readEarlierRun(values.compare);
  return { only: values.only, rounds, scale, json: values.json, earlier };
}

function refuseUnknown(name: string): void {
  const names = benchmarks.map((benchmark) => benchmark.name);
  if (names.includes(name)) return;
  const [nearest] = names.sort((a, b) => editDistance(name, a) - editDistance(name, b));
  throw new UsageError(`there is no benchmark "${name}"; did you mean ${nearest}?`);
}

async function run({ only, rounds, scale, json, earlier }: BenchOptions): Promise<void> {
  const chosen = benchmarks.filter(({ name }) => only.length === 0 || only.includes(name));
  const { version: nats } = await findNatsServer({ say });
  const servers = await startServers();
  const ratios: Ratio[] = [];
  try {
    const context: BenchContext = { servers, rounds, scale };
    const machine = describeMachine({ postgres: await servers.postgresVersion(), nats });
    for (const benchmark of chosen) {
      say(`measuring ${benchmark.name} …`);
      ratios.push(...(await benchmark.run(context)));
    }
    process.stdout.write(
      json ? `${JSON.stringify({ ratios, machine })}\n` : tableOf(ratios, machine),
    );
    if (earlier) for (const line of compareRuns(earlier, ratios)) say(line);
  } finally {
    await servers.stop();
  }
}

async function main(args: string[]): Promise<number> {
  if (args.includes('--help')) {
    process.stdout.write(`${USAGE}\n`);
    return 0;
  }
  let options: BenchOptions;
  try {
    options = readOptions(args);
  } catch (error) {
    say(`${messageOf(error)}\n\n${USAGE}`);
    return EXIT_USAGE;
  }
  try {
    await run(options);
    return 0;
  } catch (error) {
    say(String(toError(error).stack));
    return EXIT_FAILED;
  }
}

process.exitCode = await main(process.argv.slice(2));
