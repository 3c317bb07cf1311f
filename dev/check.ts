/**
 * `npm run check`: everything that CI checks. All steps run, even after a failure; the last line
 * names the failed ones. `--no-tests` skips the tests.
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { globSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { parseArgs } from 'node:util';
import { messageOf } from '../runtime/errors.ts';
import { cleanEnvironment, readDevEnvironment } from './environment.ts';
import { PROJECT_DIR } from './servers/folders.ts';

interface Step {
  name: string;
  command: string;
  args: string[];
  /** Its output is shown while it runs, not only when it fails. */
  isShown?: boolean;
}

const BIN_DIR = join(PROJECT_DIR, 'node_modules', '.bin');

function steps(withTests: boolean): Step[] {
  const node = (name: string, ...args: string[]) => ({ name, command: process.execPath, args });
  const tool = (name: string, ...args: string[]): Step => {
    const [command, ...rest] = args as [string, ...string[]];
    return { name, command: join(BIN_DIR, command), args: rest };
  };
  return [
    node('generated code is up to date', 'dev/generate.ts', '--check'),
    tool('format and lint', 'biome', 'ci', '--error-on-warnings', '--colors=off', '.'),
    tool('types', 'tsc', '--noEmit', '-p', '.'),
    tool('unused code', 'knip'),
    tool('contracts lint', 'buf', 'lint'),
    node('contracts break nothing', 'dev/breaking.ts'),
    ...globSync('db/*/drizzle.config.ts', { cwd: PROJECT_DIR })
      .sort()
      .map((config) =>
        tool(`schema changes of ${config}`, 'drizzle-kit', 'check', '--config', config),
      ),
    ...(withTests ? [{ ...node('tests', 'dev/test.ts'), isShown: true }] : []),
  ];
}

/** Runs one step; returns its output when it failed, `undefined` when it passed. */
async function runStep({ command, args, isShown }: Step): Promise<string | undefined> {
  const path = [BIN_DIR, ...readDevEnvironment().path].join(delimiter);
  const child = spawn(command, args, {
    cwd: PROJECT_DIR,
    env: cleanEnvironment({ PATH: path }),
    stdio: ['ignore', isShown ? 'inherit' : 'pipe', isShown ? 'inherit' : 'pipe'],
  });
  const output: Buffer[] = [];
  child.stdout?.on('data', (bytes) => output.push(bytes));
  child.stderr?.on('data', (bytes) => output.push(bytes));
  try {
    const [code, signal] = await once(child, 'close');
    if (code === 0) return undefined;
    return `${Buffer.concat(output)}\n(${signal ?? `exit code ${code}`})`;
  } catch (error) {
    return `cannot start: ${messageOf(error)}`;
  }
}

async function main(): Promise<number> {
  const { values } = parseArgs({ options: { 'no-tests': { type: 'boolean', default: false } } });
  const failed: string[] = [];
  for (const step of steps(!values['no-tests'])) {
    const startedAt = performance.now();
    if (step.isShown) console.log(`… ${step.name}`);
    const failure = await runStep(step);
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
    console.log(`${failure === undefined ? '✔' : '✖'} ${step.name} (${seconds} s)`);
    if (failure === undefined) continue;
    console.log(failure.trim());
    failed.push(step.name);
  }
  if (failed.length === 0) return 0;
  console.log(`\nfailed: ${failed.join(', ')}`);
  return 1;
}

process.exitCode = await main();
