/**
 * Where a command's words go: its data to stdout in the format that was asked for, all else to
 * stderr.
 */
import type { JsonObject } from './json.ts';
import { createPaint, type Paint } from './paint.ts';

export const FORMATS = ['text', 'json', 'ndjson'] as const;
export type Format = (typeof FORMATS)[number];

const MIN_WIDTH = 20; // columns; below this no line can be read anyway
const USUAL_WIDTH = 80; // of terminals that do not say

/** What a text view needs to know of the place where it is read. */
export interface Layout {
  /** Columns; Infinity where the reader is no terminal. */
  width: number;
  paint: Paint;
  /** Milliseconds since 1970. */
  now: number;
}

/** One command's data in every format. */
export interface View {
  json(): JsonObject;
  /** What ndjson prints one a line; the whole when missing. */
  items?(): JsonObject[];
  text(layout: Layout): string[];
}

/** A stream that may be a terminal. */
export type Sink = NodeJS.WritableStream & { isTTY?: boolean; columns?: number; rows?: number };

export class Output {
  readonly format: Format;
  readonly stdout: Sink;
  readonly stderr: Sink;
  readonly #wantsColour: boolean;

  constructor(format: Format, streams: { stdout: Sink; stderr: Sink }, wantsColour: boolean) {
    this.format = format;
    this.stdout = streams.stdout;
    this.stderr = streams.stderr;
    this.#wantsColour = wantsColour;
  }

  /** Prints a command's data on stdout. */
  show(view: View): void {
    this.showAs(this.format, view);
  }

  /** The same in a format of the command's own choice. */
  showAs(format: Format, view: View): void {
    this.stdout.write(`${this.#write(format, view).join('\n')}\n`);
  }

  /** Prints lines for a person on stderr. */
  tell(lines: string[]): void {
    if (lines.length > 0) this.stderr.write(`${lines.join('\n')}\n`);
  }

  layoutOf(stream: Sink): Layout {
    const width =
      stream.isTTY === true ? Math.max(MIN_WIDTH, stream.columns || USUAL_WIDTH) : Infinity;
    return { width, paint: createPaint(stream, this.#wantsColour), now: Date.now() };
  }

  #write(format: Format, view: View): string[] {
    if (format === 'text') return view.text(this.layoutOf(this.stdout));
    if (format === 'json') return [JSON.stringify(view.json(), null, 2)];
    return (view.items?.() ?? [view.json()]).map((item) => JSON.stringify(item));
  }
}
