/** What a terminal shows, as pieces of text in colours: from the bytes that a program wrote to it. */
import xterm, { type IBufferCell } from '@xterm/headless';

export interface TerminalSize {
  readonly columns: number;
  readonly rows: number;
}

/** Colours of a terminal by their meaning; the picture gives them a value. */
export const TONES = [
  'black',
  'red',
  'green',
  'yellow',
  'blue',
  'magenta',
  'cyan',
  'white',
] as const;
export type Tone = (typeof TONES)[number] | 'usual';

/** Neighbouring characters of one look. Gaps of two and more blanks are between pieces, not in them. */
export interface Piece {
  readonly column: number;
  readonly text: string;
  readonly tone: Tone;
  readonly isBold: boolean;
  readonly isDim: boolean;
  readonly isInverse: boolean;
}

/** A screen: its lines, each as pieces from left to right. */
export type Screen = readonly (readonly Piece[])[];

export class Terminal {
  readonly #terminal: InstanceType<typeof xterm.Terminal>;
  readonly #size: TerminalSize;

  constructor(size: TerminalSize) {
    this.#size = size;
    const { columns: cols, rows } = size;
    this.#terminal = new xterm.Terminal({ cols, rows, allowProposedApi: true });
  }

  /** Resolves when the screen shows what was written. */
  write(text: string): Promise<void> {
    return new Promise((resolve) => this.#terminal.write(text, resolve));
  }

  /** The screen without looks, for whoever waits for a text. */
  text(): string {
    return this.screen()
      .map((pieces) => pieces.map(({ text }) => text).join('  '))
      .join('\n')
      .trimEnd();
  }

  screen(): Screen {
    const { active } = this.#terminal.buffer;
    return Array.from({ length: this.#size.rows }, (_, row) => {
      const line = active.getLine(active.viewportY + row);
      const cells = Array.from({ length: this.#size.columns }, (_, column) =>
        line?.getCell(column),
      );
      return joinCells(cells);
    });
  }

  close(): void {
    this.#terminal.dispose();
  }
}

function joinCells(cells: readonly (IBufferCell | undefined)[]): Piece[] {
  const pieces: Piece[] = [];
  for (const [column, cell] of cells.entries()) {
    const text = cell?.getChars() || ' ';
    const look = lookOf(cell);
    const last = pieces.at(-1);
    if (last && isSameLook(last, look))
      pieces[pieces.length - 1] = { ...last, text: last.text + text };
    else pieces.push({ column, text, ...look });
  }
  return pieces.flatMap(withoutGaps);
}

type Look = Omit<Piece, 'column' | 'text'>;

function lookOf(cell: IBufferCell | undefined): Look {
  return {
    tone: toneOf(cell),
    isBold: Boolean(cell?.isBold()),
    isDim: Boolean(cell?.isDim()),
    isInverse: Boolean(cell?.isInverse()),
  };
}

/** Of 256 colours, the sixteen that programs use; bright ones are as the plain ones. */
function toneOf(cell: IBufferCell | undefined): Tone {
  if (!cell?.isFgPalette()) return 'usual';
  // Bright black is what programs write grey with.
  if (cell.getFgColor() === 8) return 'black';
  return TONES[cell.getFgColor() % TONES.length] ?? 'usual';
}

function isSameLook(a: Look, b: Look): boolean {
  return (
    a.tone === b.tone && a.isBold === b.isBold && a.isDim === b.isDim && a.isInverse === b.isInverse
  );
}

function withoutGaps(piece: Piece): Piece[] {
  // Inverse blanks are seen: a cursor, a bar.
  if (piece.isInverse) return [piece];
  return [...piece.text.matchAll(/\S+(?: \S+)*/g)].map((word) => ({
    ...piece,
    column: piece.column + word.index,
    text: word[0],
  }));
}
