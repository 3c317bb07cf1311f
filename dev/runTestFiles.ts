/**
 * Runs test files, a process each, by Node's API: those that its command line is given run in the
 * order of their names, and the longest last of all leave a core idle.
 */

import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { PROJECT_DIR } from './servers/folders.ts';
import summaryReporter from './testSummary.ts';

export interface TestFilesRun {
  /** Begun in this order. */
  readonly files: readonly string[];
  readonly concurrency: number;
  readonly namePattern: string | undefined;
  /** Settings of each process, and its arguments before the file. */
  readonly env: Record<string, string>;
  readonly nodeArguments: readonly string[];
  /** Ends all that run. */
  readonly signal: AbortSignal;
  readonly say: (line: string) => void;
  /** Takes what the reporters tell. */
  readonly output: NodeJS.WritableStream;
}

/** Answers whether all passed. */
export async function runTestFiles(options: TestFilesRun): Promise<boolean> {
  const { files, concurrency, namePattern, env, nodeArguments, signal, say, output } = options;
  const events = run({
    ...{ files, concurrency, env, signal, cwd: PROJECT_DIR },
    execArgv: nodeArguments,
    ...(namePattern ? { testNamePatterns: namePattern } : {}),
  });
  let isSuccess = false;
  events.on('test:summary', ({ file, success }) => {
    if (file === undefined) isSuccess = success;
  });
  const running = namesOfRunning(events, new Set(files));
  signal.addEventListener('abort', () =>
    say(`interrupted while running ${[...running].join(', ')}`),
  );
  const reporters = [new spec(), summaryReporter];
  await Promise.all(reporters.map((reporter) => show(events.compose(reporter), output, signal)));
  return isSuccess;
}

function namesOfRunning(events: ReturnType<typeof run>, files: ReadonlySet<string>) {
  const running = new Set<string>();
  events.on('test:dequeue', ({ name }) => files.has(name) && running.add(name));
  events.on('test:complete', ({ name }) => running.delete(name));
  return running;
}

/** After an interruption each file that did not run would be shown as a failure. */
async function show(
  lines: NodeJS.ReadableStream,
  output: NodeJS.WritableStream,
  signal: AbortSignal,
): Promise<void> {
  for await (const line of lines) if (!signal.aborted) output.write(line);
}
