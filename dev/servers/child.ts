/** A child process: its output goes to a log file, and it does not outlive this process. */

import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { cleanEnvironment } from '../environment.ts';
import { ServerError } from './errors.ts';
import { COMPILE_CACHE } from './folders.ts';
import { unwatch, watch } from './guard.ts';

/** How long a process may take to stop before it is killed. */
const STOP_LIMIT_MS = 10_000;
/** How often a starting process is asked whether it is ready. */
const READY_POLL_MS = 10;
/** Lines of a log shown in an error, and how many bytes of the file's end to read for them. */
const LOG_TAIL_LINES = 20;
const LOG_TAIL_BYTES = 32 * 1024;

export interface ChildOptions {
  name: string;
  command: string;
  args: readonly string[];
  /** Standard output and error are appended here. The folder is created. */
  logFile: string;
  /** Added to our environment, from which `RELINK_…` variables are removed. */
  env?: Record<string, string>;
  cwd?: string;
  uid?: number;
  gid?: number;
  /** Asks the process to end; SIGTERM by default. */
  stopSignal?: NodeJS.Signals;
  stopLimitMs?: number;
}

export interface ChildExit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

export class Child {
  readonly name: string;
  readonly pid: number;
  readonly logFile: string;
  /** Settles when the process has ended, never rejects. */
  readonly exited: Promise<ChildExit>;
  #exit: ChildExit | undefined;
  readonly #process: ChildProcess;
  readonly #stopSignal: NodeJS.Signals;
  readonly #stopLimitMs: number;

  constructor(process: ChildProcess, options: ChildOptions) {
    this.name = options.name;
    this.logFile = options.logFile;
    this.pid = process.pid as number;
    this.#process = process;
    this.#stopSignal = options.stopSignal ?? 'SIGTERM';
    this.#stopLimitMs = options.stopLimitMs ?? STOP_LIMIT_MS;
    this.exited = new Promise((resolve) => {
      process.once('exit', (code, signal) => {
        this.#exit = { code, signal };
        unwatch(this.pid);
        resolve(this.#exit);
      });
    });
    watch(this.pid, this.name, this.#stopSignal);
  }

  get isRunning(): boolean {
    return this.#exit === undefined;
  }

  /** How it ended; undefined while it runs. */
  get exit(): ChildExit | undefined {
    return this.#exit;
  }

  /** Sends a signal such as SIGSTOP or SIGCONT; false when the process has ended. */
  signal(signal: NodeJS.Signals): boolean {
    return this.isRunning && this.#process.kill(signal);
  }

  /** Kills it without a chance to clean up, and waits until it is gone. */
  async kill(): Promise<ChildExit> {
    this.signal('SIGKILL');
    return this.exited;
  }

  /**
   * Asks it to end and kills it after the limit. Safe twice; also works on a process frozen by
   * SIGSTOP.
   */
  async stop(): Promise<ChildExit> {
    if (this.#exit) return this.#exit;
    this.signal(this.#stopSignal);
    this.signal('SIGCONT');
    const limit = new AbortController();
    const late = sleep(this.#stopLimitMs, undefined, { signal: limit.signal }).then(
      () => this.signal('SIGKILL'),
      () => false,
    );
    const exit = await this.exited;
    limit.abort();
    await late;
    return exit;
  }

  /** The end of its log, for error reports. */
  async lastLines(count = LOG_TAIL_LINES): Promise<string> {
    const file = await open(this.logFile, 'r');
    try {
      const { size } = await file.stat();
      const length = Math.min(size, LOG_TAIL_BYTES);
      const { buffer } = await file.read(Buffer.alloc(length), 0, length, size - length);
      return buffer.toString('utf8').trimEnd().split('\n').slice(-count).join('\n');
    } finally {
      await file.close();
    }
  }

  /**
   * Waits until `isReady` returns true.
   * Throws `start_failed` when the process ends before, `start_timeout` after `limitMs`; both with
   * the end of the log. Stops the process when it throws.
   */
  async waitUntilReady(isReady: () => Promise<boolean>, limitMs: number): Promise<void> {
    const deadline = performance.now() + limitMs;
    while (this.isRunning && performance.now() < deadline) {
      if (await isReady()) return;
      await sleep(READY_POLL_MS);
    }
    const hasEnded = !this.isRunning;
    const exit = await this.stop();
    const reason = hasEnded
      ? `ended before it was ready (${describeExit(exit)})`
      : `was not ready within ${limitMs / 1000} s`;
    throw new ServerError(
      hasEnded ? 'start_failed' : 'start_timeout',
      `${this.name} ${reason}; its log ${this.logFile} ends with:\n${await this.lastLines()}`,
    );
  }
}

/** `exit code 1` or `SIGKILL`. */
export function describeExit({ code, signal }: ChildExit): string {
  return signal ?? `exit code ${code}`;
}

/** Starts a process in its own session: Ctrl-C reaches only us, so we can stop it in order. */
export async function startChild(options: ChildOptions): Promise<Child> {
  mkdirSync(dirname(options.logFile), { recursive: true });
  const log = openSync(options.logFile, 'a');
  try {
    const process = spawn(options.command, options.args, {
      cwd: options.cwd,
      env: cleanEnvironment({ ...COMPILE_CACHE, ...options.env }),
      uid: options.uid,
      gid: options.gid,
      detached: true,
      stdio: ['ignore', log, log],
    });
    await new Promise<void>((resolve, reject) => {
      process.once('spawn', resolve);
      process.once('error', (cause) => {
        const text = `${options.name} cannot start: ${cause.message}`;
        reject(new ServerError('start_failed', text, { cause }));
      });
    });
    return new Child(process, options);
  } finally {
    closeSync(log);
  }
}
