/**
 * `npm run demo`: starts its own servers and services, moves links under live traffic, compares the
 * databases and writes demo-report.json. Leaves nothing running. Exit codes: 0 all proven, 1 not
 * proven, 2 wrong usage, 130 interrupted.
 */

import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { describeStack } from '../dev/addresses.ts';
import { createPaint } from '../operator/cli/output/paint.ts';
import { endSignal } from '../runtime/endSignal.ts';
import { CodedError, messageOf, toError } from '../runtime/errors.ts';
import { outliveReaders } from '../runtime/outputs.ts';
import { links } from '../services/links.ts';
import { runDemo, stageTitles } from './demo.ts';
import { DEMO_USAGE, type DemoOptions, readDemoOptions } from './options.ts';
import type { DemoReport } from './report/report.ts';
import { describeReport } from './report/summary.ts';
import { type DemoStack, startDemoStack } from './stack.ts';
import { DemoProgress } from './view/progress.ts';
import { showDemo } from './view/view.ts';

const EXIT_FAILED = 1;
const EXIT_USAGE = 2;
const EXIT_INTERRUPTED = 130;
const REPORT_FILE = 'demo-report.json';
const DEFAULT_WIDTH = 80;

async function demo(options: DemoOptions, interruption: AbortSignal): Promise<number> {
  // With --json, standard output holds the report and nothing else.
  const stream = options.json ? process.stderr : process.stdout;
  const progress = new DemoProgress(stageTitles(options));
  const view = showDemo(progress, stream);
  let stack: DemoStack | undefined;
  try {
    stack = await progress.runStage(() => startDemoStack(options, (line) => progress.say(line)));
    interruption.throwIfAborted();
    const report = await runDemo({ stack, links, options, progress, signal: interruption });
    view.end();
    await writeFile(REPORT_FILE, `${JSON.stringify(report, null, 2)}\n`);
    printReport(report, options, stream);
    if (options.keep) await restartOnCrash(stack, interruption);
    return report.ok ? 0 : EXIT_FAILED;
  } finally {
    view.end();
    await stack?.stop();
  }
}

function printReport(report: DemoReport, { json }: DemoOptions, stream: NodeJS.WriteStream): void {
  const width = stream.isTTY ? stream.columns || DEFAULT_WIDTH : Infinity;
  const lines = describeReport(report, { width, paint: createPaint(stream) });
  stream.write(`${lines.join('\n')}\n${resolve(REPORT_FILE)}\n`);
  if (json) process.stdout.write(`${JSON.stringify(report)}\n`);
}

async function restartOnCrash(stack: DemoStack, interruption: AbortSignal): Promise<void> {
  process.stderr.write(describeStack(stack.addresses));
  if (interruption.aborted) return;
  // Something must keep the process alive while it waits for a signal.
  const alive = setInterval(() => undefined, 60_000);
  await new Promise<void>((end) => interruption.addEventListener('abort', () => end()));
  clearInterval(alive);
}

async function main(args: string[]): Promise<number> {
  if (args.includes('--help')) {
    process.stdout.write(`${DEMO_USAGE}\n`);
    return 0;
  }
  let options: DemoOptions;
  try {
    options = readDemoOptions(args);
  } catch (error) {
    process.stderr.write(`${messageOf(error)}\n\n${DEMO_USAGE}\n`);
    return EXIT_USAGE;
  }
  const interruption = endSignal();
  try {
    return await demo(options, interruption);
  } catch (error) {
    if (interruption.aborted) {
      process.stderr.write('interrupted; everything is stopped\n');
      return EXIT_INTERRUPTED;
    }
    const text = error instanceof CodedError ? error.message : toError(error).stack;
    process.stderr.write(`${text}\n`);
    return EXIT_FAILED;
  }
}

outliveReaders();
process.exit(await main(process.argv.slice(2)));
