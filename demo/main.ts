/**
 * `npm run demo`: brings up its own servers and services, moves links under live traffic, compares the
 * databases and writes demo-report.json. Leaves nothing running. Exit codes: 0 all proven, 1 not, 2
 * usage, 130 interrupted.
 */
import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { describeStack } from '../dev/addresses.ts';
import { ServerError } from '../dev/servers/errors.ts';
import { createPaint } from '../operator/cli/output/paint.ts';
import { links } from '../services/links.ts';
import { runDemo, stageTitles } from './demo.ts';
import { DEMO_USAGE, type DemoOptions, readDemoOptions } from './options.ts';
import type { DemoReport } from './report/report.ts';
import { describeReport } from './report/summary.ts';
import { openSite, type Site } from './stack.ts';
import { DemoModel } from './view/progress.ts';
import { showDemo } from './view/view.ts';

const EXIT_FAILED = 1;
const EXIT_USAGE = 2;
const EXIT_INTERRUPTED = 130;
const REPORT_FILE = 'demo-report.json';
const USUAL_WIDTH = 80;

class Interrupted extends Error {}

async function demo(options: DemoOptions, interruption: AbortSignal): Promise<number> {
  // The report is the data; what happens meanwhile is for whoever looks on.
  const stream = options.json ? process.stderr : process.stdout;
  const model = new DemoModel(stageTitles(options));
  const view = showDemo(model, stream);
  let site: Site | undefined;
  try {
    site = await model.during(() => openSite((line) => model.say(line)));
    interruption.throwIfAborted();
    const report = await runDemo({ site, links, options, model, signal: interruption });
    view.end();
    await writeFile(REPORT_FILE, `${JSON.stringify(report, null, 2)}\n`);
    printReport(report, options, stream);
    if (options.keep) await keepUp(site, interruption);
    return report.ok ? 0 : EXIT_FAILED;
  } finally {
    view.end();
    await site?.close();
  }
}

function printReport(report: DemoReport, { json }: DemoOptions, stream: NodeJS.WriteStream): void {
  const width = stream.isTTY ? stream.columns || USUAL_WIDTH : Infinity;
  const lines = describeReport(report, { width, paint: createPaint(stream) });
  stream.write(`${lines.join('\n')}\n${resolve(REPORT_FILE)}\n`);
  if (json) process.stdout.write(`${JSON.stringify(report)}\n`);
}

async function keepUp(site: Site, interruption: AbortSignal): Promise<void> {
  process.stderr.write(describeStack(site.stack.addresses));
  if (interruption.aborted) return;
  // Something must keep the process alive while it waits for a signal.
  const alive = setInterval(() => undefined, 60_000);
  await new Promise<void>((end) => interruption.addEventListener('abort', () => end()));
  clearInterval(alive);
}

/** The first Ctrl-C stops everything in order; the second does not wait for that. */
function listenForInterruption(): AbortSignal {
  const controller = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      if (controller.signal.aborted) process.exit(EXIT_INTERRUPTED);
      controller.abort(new Interrupted(`interrupted by ${signal}`));
    });
  }
  return controller.signal;
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
    process.stderr.write(`${(error as Error).message}\n\n${DEMO_USAGE}\n`);
    return EXIT_USAGE;
  }
  const interruption = listenForInterruption();
  try {
    return await demo(options, interruption);
  } catch (error) {
    if (interruption.aborted) {
      process.stderr.write('interrupted; everything is stopped\n');
      return EXIT_INTERRUPTED;
    }
    const text = error instanceof ServerError ? error.message : (error as Error).stack;
    process.stderr.write(`${text}\n`);
    return EXIT_FAILED;
  }
}

process.exit(await main(process.argv.slice(2)));
