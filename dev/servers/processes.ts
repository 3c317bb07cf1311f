/** Runs our own programs (`node services/hiring/main.ts`) and restarts, freezes or stops them. */

import { type Child, type ChildExit, startChild } from './child.ts';
import { cleanUpAll } from './errors.ts';

/** A start includes schema changes and the first connections, on a busy machine. */
const READY_LIMIT_MS = 60_000;
/** Timeout of one request to `/readyz`. */
const READY_ANSWER_LIMIT_MS = 2_000;
/** A start takes a second or two; who waits longer wants to know for what. */
const SAY_EVERY_MS = 5_000;
/** A service may finish its work in progress; its own limit is shorter. */
const STOP_LIMIT_MS = 15_000;

export interface ProgramOptions {
  name: string;
  /** Path of the program. */
  main: string;
  /** All of its `RELINK_…` variables; ours are not passed on. */
  env: Record<string, string>;
  /** Node's own arguments, for example `--inspect`. */
  nodeArguments?: readonly string[];
  logFile: string;
  /** Responds with 200 when the program is ready. */
  readyUrl: string;
  readyLimitMs?: number;
  stopLimitMs?: number;
  /** Called every few seconds with why it is not ready yet. */
  onWait?: (line: string) => void;
  waitEveryMs?: number;
  /** Called with the end of its log when it ended without being told to. */
  onUnexpectedEnd?: (program: Program, exit: ChildExit, lastLines: string) => void;
}

export interface Program {
  readonly name: string;
  /** Path of the program. */
  readonly main: string;
  readonly pid: number;
  readonly isRunning: boolean;
  readonly logFile: string;
  readonly env: Readonly<Record<string, string>>;
  /** Starts it when it has ended and waits until it is ready. */
  start(): Promise<void>;
  stop(): Promise<void>;
  /** With other settings, where some are given; they stay. */
  restart(env?: Readonly<Record<string, string>>): Promise<void>;
  /** SIGKILL, then waits until it is gone. */
  kill(): Promise<ChildExit>;
  /** SIGSTOP and SIGCONT freeze and thaw it; false when it has ended. */
  signal(signal: NodeJS.Signals): boolean;
  lastLines(count?: number): Promise<string>;
}

/**
 * Starts a program with this project's Node and waits until its `/readyz` responds with 200.
 * Throws `start_failed` or `start_timeout` with the end of its log.
 */
export async function startProgram(given: ProgramOptions): Promise<Program> {
  let options = given;
  let child: Child;
  let isEndExpected = false;
  let turn: Promise<void> = Promise.resolve();
  // Two who start it at the same time would have two processes on one port.
  const inTurn = (work: () => Promise<void>) => {
    const done = turn.then(work);
    turn = done.catch(() => undefined);
    return done;
  };
  const launch = async () => {
    isEndExpected = false;
    child = await launchProgram(options);
    const started = child;
    void started.exited.then(async (exit) => {
      if (isEndExpected || child !== started) return;
      options.onUnexpectedEnd?.(program, exit, await started.lastLines());
    });
  };
  const program: Program = {
    name: options.name,
    main: options.main,
    logFile: options.logFile,
    get env() {
      return options.env;
    },
    get pid() {
      return child.pid;
    },
    get isRunning() {
      return child.isRunning;
    },
    start: () =>
      inTurn(async () => {
        if (!child.isRunning) await launch();
      }),
    stop: async () => {
      isEndExpected = true;
      await child.stop();
    },
    restart: (env = {}) =>
      inTurn(async () => {
        await program.stop();
        options = { ...options, env: { ...options.env, ...env } };
        await launch();
      }),
    kill: () => {
      isEndExpected = true;
      return child.kill();
    },
    signal: (signal) => child.signal(signal),
    lastLines: (count) => child.lastLines(count),
  };
  await launch();
  return program;
}

/**
 * V8 lets the young generation grow to 3 × 64 MB and never gives it back. Measured while draining,
 * 8 MB saves 120 MB at the same processor time (docs/performance.md).
 */
const YOUNG_GENERATION = '--max-semi-space-size=8';

async function launchProgram(options: ProgramOptions): Promise<Child> {
  const child = await startChild({
    name: options.name,
    command: process.execPath,
    args: [YOUNG_GENERATION, ...(options.nodeArguments ?? []), options.main],
    env: options.env,
    logFile: options.logFile,
    stopLimitMs: options.stopLimitMs ?? STOP_LIMIT_MS,
  });
  const everyMs = options.waitEveryMs ?? SAY_EVERY_MS;
  let sayAtMs = performance.now() + everyMs;
  const isReady = async () => {
    const answer = await askReadiness(options.readyUrl);
    if (answer.isReady) return true;
    if (performance.now() < sayAtMs) return false;
    sayAtMs = performance.now() + everyMs;
    const reason = answer.reason || reasonInLog(await child.lastLines(1));
    options.onWait?.(`${options.name} is not ready${reason && `: ${reason}`}`);
    return false;
  };
  await child.waitUntilReady(isReady, options.readyLimitMs ?? READY_LIMIT_MS);
  return child;
}

/** What its `/readyz` says; no reason where it does not respond yet. */
async function askReadiness(url: string): Promise<{ isReady: boolean; reason: string }> {
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(READY_ANSWER_LIMIT_MS) });
    const text = await answer.text();
    return { isReady: answer.ok, reason: answer.ok ? '' : failedChecks(text) };
  } catch {
    return { isReady: false, reason: '' };
  }
}

function failedChecks(text: string): string {
  const { checks = {} } = parsed<{ checks?: Record<string, string> }>(text);
  return Object.entries(checks)
    .filter(([, result]) => result !== 'ok')
    .map(([name, result]) => `${name}: ${result}`)
    .join('; ');
}

/** A process that waits for a server does not listen yet; its log says why. */
function reasonInLog(line: string): string {
  const {
    level = '',
    msg = '',
    reason = '',
  } = parsed<{ level?: string; msg?: string; reason?: string }>(line);
  if (!['warn', 'error', 'fatal'].includes(level)) return '';
  return [msg, reason].filter((part) => part !== '').join(': ');
}

/** The object in a line of JSON; an empty one where there is none. */
function parsed<T extends object>(text: string): Partial<T> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : {};
  } catch {
    return {};
  }
}

/** Stops everything in reverse order, each within its limit; a failure does not stop the others. */
export async function stopInReverse(started: readonly { stop(): Promise<void> }[]): Promise<void> {
  await cleanUpAll(
    'not everything could be stopped',
    [...started].reverse().map((one) => () => one.stop()),
  );
}

/** Tells all programs to stop before waiting for any: each may need time to finish its work. */
export function stopAtOnce(programs: readonly Program[]): Promise<void> {
  const stops = programs.map((program) => program.stop());
  for (const stop of stops) stop.catch(() => {}); // awaited and joined below
  return cleanUpAll(
    'stopping the programs',
    stops.map((stop) => () => stop),
  );
}
