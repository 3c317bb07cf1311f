// What every command works with: the operator, where to print, whom to ask, how it ends.
import { userInfo } from 'node:os';
import { connectOperator, findOperator, type OperatorClient } from './connect.ts';
import { EXIT, type ExitCode } from './exitCode.ts';
import { type Format, Output, type Sink } from './output/output.ts';

/** The streams of a process, and its wish to end. */
export interface Surroundings {
  stdin: NodeJS.ReadStream;
  stdout: Sink;
  stderr: Sink;
  /** Aborts at Ctrl-C. */
  signal: AbortSignal;
}

/** Options that every command takes. */
export interface GlobalOptions {
  operator?: string | undefined;
  output: Format;
  json?: true | undefined;
  yes?: true | undefined;
  input: boolean;
  color: boolean;
}

export class Session {
  readonly output: Output;
  readonly options: GlobalOptions;
  readonly surroundings: Surroundings;
  /** What the process ends with unless an error says otherwise. */
  exitCode: ExitCode = EXIT.done;
  #operator: OperatorClient | undefined;

  constructor(options: GlobalOptions, surroundings: Surroundings) {
    this.options = options;
    this.surroundings = surroundings;
    const format = options.json === true ? 'json' : options.output;
    this.output = new Output(format, surroundings, options.color);
  }

  get signal(): AbortSignal {
    return this.surroundings.signal;
  }

  /** `host:port` of the operator. */
  get address(): string {
    return findOperator(this.options.operator);
  }

  get operator(): OperatorClient {
    this.#operator ??= connectOperator(this.address);
    return this.#operator;
  }

  /** Whether a person can be asked. */
  get isInteractive(): boolean {
    const { stdin, stderr } = this.surroundings;
    return this.options.input && stdin.isTTY === true && stderr.isTTY === true;
  }

  /** Whether a person would be there to be asked, were it not for `--no-input`. */
  get isTerminal(): boolean {
    const { stdin, stderr } = this.surroundings;
    return stdin.isTTY === true && stderr.isTTY === true;
  }

  /** Who asks, for the run's journal. */
  get actor(): string {
    try {
      return userInfo().username;
    } catch {
      // A container may run under a user id that has no name.
      return `uid ${process.getuid?.() ?? 'unknown'}`;
    }
  }

  /** Ends the connection. Safe to call twice. */
  close(): void {
    this.#operator?.close();
    this.#operator = undefined;
  }
}
