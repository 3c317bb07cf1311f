/**
 * What is shown while a command follows a run: a view drawn again in place on a terminal, one line
 * for each change elsewhere, one status a line as ndjson.
 */
import { type RunStatus, RunStatusSchema } from '../../../gen/relink/v1/operator_pb.ts';
import { readEnvironment } from '../../../runtime/environment.ts';
import { toJsonShape } from './json.ts';
import { LiveArea } from './live.ts';
import type { Output, Sink } from './output.ts';
import { listChanges } from './runChanges.ts';
import { formatRun, viewRun } from './runView.ts';

const REDRAW_EVERY_MS = 1_000; // durations are shown in seconds

export interface Progress {
  show(status: RunStatus): void;
  /** Whether the operator, at an address, answers. */
  contact(state: 'away' | 'here', address: string): void;
  /** Ends the display and leaves the last status as the command's data. */
  finish(status: RunStatus): void;
  /** Ends the display without data. Safe to call twice. */
  end(): void;
}

/** The display that fits the format and the streams. */
export function createProgress(output: Output): Progress {
  if (output.format === 'ndjson') return new NdjsonProgress(output);
  const stream = output.format === 'text' && canDraw(output.stdout) ? output.stdout : output.stderr;
  return canDraw(stream) ? new LiveProgress(output, stream) : new LineProgress(output);
}

function canDraw(stream: Sink): boolean {
  return stream.isTTY === true && readEnvironment('TERM') !== 'dumb';
}

/** On a terminal. When the data goes elsewhere the view is taken away at the end. */
class LiveProgress implements Progress {
  readonly #output: Output;
  readonly #stream: Sink;
  readonly #area: LiveArea;
  readonly #timer: NodeJS.Timeout;
  #status: RunStatus | undefined;
  #away: string | undefined;
  readonly #restore = () => this.#area.end();

  constructor(output: Output, stream: Sink) {
    this.#output = output;
    this.#stream = stream;
    this.#area = new LiveArea(stream);
    this.#timer = setInterval(() => this.#draw(), REDRAW_EVERY_MS);
    // A process that ends in between must not leave the terminal without a cursor.
    process.once('exit', this.#restore);
  }

  show(status: RunStatus): void {
    this.#status = status;
    this.#draw();
  }

  contact(state: 'away' | 'here', address: string): void {
    this.#away = state === 'away' ? sayAway(address) : undefined;
    this.#draw();
  }

  finish(status: RunStatus): void {
    this.#area.clear();
    this.end();
    this.#output.show(viewRun(status));
  }

  end(): void {
    clearInterval(this.#timer);
    process.off('exit', this.#restore);
    this.#area.end();
  }

  #draw(): void {
    if (this.#status === undefined) return;
    const layout = this.#output.layoutOf(this.#stream);
    const rows = this.#area.rows - 2;
    const lines = formatRun(this.#status, layout, { rows });
    if (this.#away !== undefined) lines.push(layout.paint('yellow', this.#away));
    this.#area.draw(lines);
  }
}

function sayAway(address: string): string {
  return `The operator at ${address} does not answer; retrying.`;
}

/** Without a terminal: one line when contact is lost, one when it is back. */
class ContactLines {
  readonly #output: Output;
  #isAway = false;

  constructor(output: Output) {
    this.#output = output;
  }

  tell(state: 'away' | 'here', address: string): void {
    const isAway = state === 'away';
    if (isAway === this.#isAway) return;
    this.#isAway = isAway;
    this.#output.tell([isAway ? sayAway(address) : `The operator at ${address} answers again.`]);
  }
}

/** Without a terminal: a line on stderr when something changed, the status on stdout at the end. */
class LineProgress implements Progress {
  readonly #output: Output;
  readonly #contact: ContactLines;
  #last: RunStatus | undefined;

  constructor(output: Output) {
    this.#output = output;
    this.#contact = new ContactLines(output);
  }

  show(status: RunStatus): void {
    this.#output.tell(listChanges(this.#last, status, this.#output.layoutOf(this.#output.stderr)));
    this.#last = status;
  }

  contact(state: 'away' | 'here', address: string): void {
    this.#contact.tell(state, address);
  }

  finish(status: RunStatus): void {
    this.#output.show(viewRun(status));
  }

  end(): void {
    // Every line is written already.
  }
}

/** One status a line on stdout for every change. */
class NdjsonProgress implements Progress {
  readonly #output: Output;
  readonly #contact: ContactLines;
  #last = '';

  constructor(output: Output) {
    this.#output = output;
    this.#contact = new ContactLines(output);
  }

  show(status: RunStatus): void {
    const line = JSON.stringify(toJsonShape(RunStatusSchema, status));
    if (line === this.#last) return;
    this.#last = line;
    this.#output.stdout.write(`${line}\n`);
  }

  contact(state: 'away' | 'here', address: string): void {
    this.#contact.tell(state, address);
  }

  finish(status: RunStatus): void {
    this.show(status);
  }

  end(): void {
    // Every line is written already.
  }
}
