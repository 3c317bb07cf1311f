/**
 * A few lines at the bottom of a terminal that are redrawn in place. No alternate screen: the last
 * frame stays, and the shell continues below it.
 */
import type { Sink } from './output.ts';
import { cutTo, widthOf } from './paint.ts';

const ESCAPE = '\u001b[';
const HIDE_CURSOR = `${ESCAPE}?25l`;
const SHOW_CURSOR = `${ESCAPE}?25h`;
// Terminals that know it show the frame at once; the others ignore it.
const BEGIN_FRAME = `${ESCAPE}?2026h`;
const END_FRAME = `${ESCAPE}?2026l`;
const CLEAR_TO_LINE_END = `${ESCAPE}K`;
const CLEAR_BELOW = `${ESCAPE}J`;
const USUAL_SIZE = { columns: 80, rows: 24 };

export class LiveArea {
  readonly #stream: Sink;
  #drawn: string[] = [];

  constructor(stream: Sink) {
    this.#stream = stream;
  }

  get rows(): number {
    return this.#stream.rows || USUAL_SIZE.rows;
  }

  get columns(): number {
    return this.#stream.columns || USUAL_SIZE.columns;
  }

  /** Shows these lines instead of the last ones; writes nothing when they are the same. */
  draw(lines: string[]): void {
    // The last row is the cursor's: a frame as high as the terminal would scroll.
    const shown = lines.slice(0, this.rows - 1).map((line) => cutTo(line, this.columns));
    if (shown.join('\n') === this.#drawn.join('\n')) return;
    const body = shown.map((line) => `${line}${CLEAR_TO_LINE_END}\n`).join('');
    const hide = this.#drawn.length === 0 ? HIDE_CURSOR : '';
    this.#stream.write(`${BEGIN_FRAME}${hide}${this.#toTop()}${body}${CLEAR_BELOW}${END_FRAME}`);
    this.#drawn = shown;
  }

  /** Leaves the last lines where they are. Safe to call twice. */
  end(): void {
    if (this.#drawn.length > 0) this.#stream.write(SHOW_CURSOR);
    this.#drawn = [];
  }

  /** Takes the lines away again. Safe to call twice. */
  clear(): void {
    if (this.#drawn.length === 0) return;
    this.#stream.write(`${this.#toTop()}${CLEAR_BELOW}`);
    this.end();
  }

  #toTop(): string {
    // A terminal that became narrower has broken the long lines of the last frame.
    const height = this.#drawn.reduce(
      (sum, line) => sum + Math.max(1, Math.ceil(widthOf(line) / this.columns)),
      0,
    );
    return height === 0 ? '' : `${ESCAPE}${height}A\r`;
  }
}
