/**
 * The command line in two ways: as a process of its own, for what only a process has (signals,
 * pipes, the environment), and in this one, which is ten times faster.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { PassThrough, Writable } from 'node:stream';
import { runCli } from '../../operator/cli/cli.ts';
import { childEnvironment } from '../../runtime/environment.ts';
import { until } from '../harness/until.ts';

const MAIN = join(import.meta.dirname, '..', '..', 'operator', 'cli', 'main.ts');
const LIMIT_MS = 60_000; // a command on a loaded machine needs two seconds

export interface Ran {
  exitCode: number | null;
  stdout: string;
  stderr: string;
}

/** `relink …` as a process, under way, against the operator at `address`. */
export class RelinkProcess {
  stdout = '';
  stderr = '';
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown[]>;

  constructor(address: string, ...args: string[]) {
    this.#child = spawn(process.execPath, [MAIN, ...args], {
      env: childEnvironment({ NO_COLOR: '1', FORCE_COLOR: undefined, RELINK_OPERATOR: address }),
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: LIMIT_MS,
    });
    this.#child.stdout!.on('data', (chunk) => {
      this.stdout += chunk;
    });
    this.#child.stderr!.on('data', (chunk) => {
      this.stderr += chunk;
    });
    this.#ended = once(this.#child, 'close');
  }

  /** Waits until the text stands in one of the outputs. */
  async says(text: string): Promise<void> {
    const hasSaid = () => this.stdout.includes(text) || this.stderr.includes(text);
    await until(hasSaid, { what: `relink says ${text}`, withinMs: LIMIT_MS });
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** As `relink … | head` does. */
  closeStdout(): void {
    this.#child.stdout!.destroy();
  }

  /** As `relink … 2>&1 >file | head` does. */
  closeStderr(): void {
    this.#child.stderr!.destroy();
  }

  async ended(): Promise<Ran> {
    const [exitCode] = (await this.#ended) as [number | null];
    return { exitCode, stdout: this.stdout, stderr: this.stderr };
  }
}

/** Keeps what is written; a terminal when it has columns. */
class Screen extends Writable {
  text = '';
  readonly isTTY: boolean;
  readonly columns: number | undefined;
  readonly rows = 40;

  constructor(columns: number | undefined) {
    super({ decodeStrings: false });
    this.isTTY = columns !== undefined;
    this.columns = columns;
  }

  override _write(chunk: string, _encoding: string, done: () => void): void {
    this.text += chunk;
    done();
  }
}

/** `relink …` in this process; a terminal of so many columns when there are any. */
export class Relink {
  readonly stdout: Screen;
  readonly stderr: Screen;
  readonly #stdin: PassThrough;
  readonly #interrupt = new AbortController();
  readonly #exitCode: Promise<number>;

  constructor(address: string, args: string[], columns?: number) {
    this.stdout = new Screen(columns);
    this.stderr = new Screen(columns);
    this.#stdin = Object.assign(new PassThrough(), {
      isTTY: columns !== undefined,
      setRawMode: () => this.#stdin,
    });
    this.#exitCode = runCli(['--operator', address, '--no-color', ...args], {
      stdin: this.#stdin as unknown as NodeJS.ReadStream,
      stdout: this.stdout,
      stderr: this.stderr,
      signal: this.#interrupt.signal,
    });
  }

  /** Waits until the text stands in one of the outputs. */
  async says(text: string): Promise<void> {
    const hasSaid = () => this.stdout.text.includes(text) || this.stderr.text.includes(text);
    await until(hasSaid, { what: `relink says ${text}` });
  }

  type(keys: string): void {
    this.#stdin.write(keys);
  }

  interrupt(): void {
    this.#interrupt.abort();
  }

  async ended(): Promise<Ran> {
    const exitCode = await this.#exitCode;
    return { exitCode, stdout: this.stdout.text, stderr: this.stderr.text };
  }
}

/** Runs `relink …` to its end, without a terminal. */
export function relink(address: string, ...args: string[]): Promise<Ran> {
  return new Relink(address, args).ended();
}
