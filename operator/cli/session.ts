/** What every command works with: the operator, the output, the terminal and the exit code. */
import { userInfo } from 'node:os';
import { connectOperator, findOperator, type OperatorClient } from './connect.ts';
import { EXIT, type ExitCode } from './exitCode.ts';
import { type Format, Output, type Sink } from './output/output.ts';

/** The streams of the process, and its Ctrl-C. */
export interface Terminal {
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
  readonly terminal: Terminal;
  /** The exit code, unless an error decides otherwise. */
  exitCode: ExitCode = EXIT.done;
  #operator: OperatorClient | undefined;

  constructor(options: GlobalOptions, terminal: Terminal) {
    this.options = options;
    this.terminal = terminal;
    const format = options.json === true ? 'json' : options.output;
    this.output = new Output(format, terminal, options.color);
  }

  get signal(): AbortSignal {
    return this.terminal.signal;
  }

  /** `host:port` of the operator. */
  get address(): string {
    return findOperator(this.options.operator);
  }

  get operator(): OperatorClient {
    this.#operator ??= connectOperator(this.address);
    return this.#operator;
  }

  /** Whether a person may be asked. */
  get isInteractive(): boolean {
    const { stdin, stderr } = this.terminal;
    return this.options.input && stdin.isTTY === true && stderr.isTTY === true;
  }

  /** Whether a person is there, even if `--no-input` forbids asking. */
  get isTerminal(): boolean {
    const { stdin, stderr } = this.terminal;
    return stdin.isTTY === true && stderr.isTTY === true;
  }

  /** Who gives the order, for the run's journal. */
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
