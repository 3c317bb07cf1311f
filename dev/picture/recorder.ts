/** A shell in a terminal of its own that types what it is told, and every screen that it showed. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { pause } from '../../runtime/wake.ts';
import { cleanEnvironment } from '../environment.ts';
import { ServerError } from '../servers/errors.ts';
import type { Shot } from './film.ts';
import { Terminal, type TerminalSize } from './terminal.ts';

const TYPING_MS = 45; // between two keys: quick, and still seen as typing
const POLL_MS = 20;
const PATIENCE_MS = 120_000; // a whole move, on a busy machine
const PROMPT = '$';
/** Nothing is behind the last prompt: no command runs, or none has begun. */
const AT_PROMPT = /(^|\n)\$$/;

export interface RecorderOptions extends TerminalSize {
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
}

export class Recorder {
  readonly #terminal: Terminal;
  readonly #shell: ReturnType<typeof startShell>;
  readonly #shots: Shot[] = [];
  #written: Promise<void> = Promise.resolve();
  #failure: Error | undefined;
  /** How much quicker than it was the film shows what comes from now on. */
  speed = 1;

  constructor(options: RecorderOptions) {
    this.#terminal = new Terminal(options);
    this.#shell = startShell(options);
    this.#shell.on('error', (cause) => {
      const text = `script, of util-linux, could not be started: ${cause.message}`;
      this.#failure = new ServerError('not_found', text, { cause });
    });
    this.#shell.stdout.setEncoding('utf8');
    this.#shell.stdout.on('data', (text: string) => {
      this.#written = this.#written.then(() => this.#see(text));
    });
  }

  /** Every screen so far. */
  shots(): Shot[] {
    return [...this.#shots];
  }

  async #see(text: string): Promise<void> {
    await this.#terminal.write(text);
    const shot = { atMs: performance.now(), screen: this.#terminal.screen() };
    this.#shots.push({ ...shot, speed: this.speed });
  }

  /** Types a line key by key and presses Enter. */
  async type(line: string): Promise<void> {
    for (const key of line) {
      this.press(key);
      await pause(TYPING_MS);
    }
    this.press('\r');
  }

  press(key: string): void {
    this.#shell.stdin.write(key);
  }

  /** Waits until the screen has the text; throws with the screen when the command ends without it. */
  async waitFor(text: RegExp): Promise<void> {
    const giveUpAt = performance.now() + PATIENCE_MS;
    while (!text.test(this.#terminal.text())) {
      if (this.#failure) throw this.#failure;
      const isTooLate = performance.now() > giveUpAt || AT_PROMPT.test(this.#terminal.text());
      if (isTooLate && !text.test(this.#terminal.text()))
        throw new ServerError('start_failed', `${text} is not in:\n${this.#terminal.text()}`);
      await pause(POLL_MS);
    }
  }

  /** Waits until the last command has ended. */
  waitForPrompt(): Promise<void> {
    return this.waitFor(AT_PROMPT);
  }

  /** Shows the screen of now so long in the picture. */
  hold(holdMs: number): void {
    const last = this.#shots.pop();
    if (last) this.#shots.push({ ...last, holdMs });
  }

  /** Ends the shell and what runs in it. */
  async close(): Promise<void> {
    if (this.#shell.exitCode === null && this.#shell.pid !== undefined) {
      const ended = once(this.#shell, 'exit');
      this.#shell.kill();
      await ended;
    }
    this.#terminal.close();
  }
}

function startShell({ columns, rows, env, cwd }: RecorderOptions) {
  // `script` gives the shell a terminal; it has no size until somebody says one.
  // A prompt is set here, as a shell that only runs a command forgets the one of its environment.
  const shell = [
    `stty cols ${columns} rows ${rows}`,
    `export PS1='\\[\\e[1;32m\\]${PROMPT}\\[\\e[0m\\] '`,
    'exec bash --noprofile --norc -i',
  ].join('; ');
  return spawn('script', ['-qfec', shell, '/dev/null'], {
    cwd,
    env: cleanEnvironment({
      ...env,
      TERM: 'xterm-256color',
      HISTFILE: '/dev/null',
    }),
    stdio: ['pipe', 'pipe', 'ignore'],
  });
}
