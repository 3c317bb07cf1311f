/** Rows as a table, or one under the other where the terminal is too narrow for it. */
import { type Paint, widthOf } from './paint.ts';

export interface Column {
  /** Empty for a column that explains itself. */
  header: string;
  align?: 'left' | 'right';
  /** Left blank where the row above has the same, as in a grouped list. */
  isGroup?: boolean;
}

const GAP = '  ';

/**
 * Lines of a table. Every row has a cell a column; cells may be painted and have several lines. On
 * less than the natural width each row becomes a block: its first cell as a heading, the other
 * cells under it with their names.
 */
export function formatTable(
  columns: Column[],
  rows: string[][],
  { width, paint }: { width: number; paint: Paint },
): string[] {
  const widths = columns.map(({ header }, index) =>
    Math.max(header.length, ...rows.map((row) => widthOfCell(row[index] ?? ''))),
  );
  const natural = widths.reduce((sum, one) => sum + one + GAP.length, -GAP.length);
  if (natural > width) return rows.flatMap((row) => formatBlock(columns, row, paint));
  const header = columns.map((column) => column.header);
  return [
    paint('dim', formatLine(columns, header, widths)),
    ...rows.flatMap((row, index) => formatRow(columns, row, rows[index - 1], widths)),
  ];
}

function widthOfCell(cell: string): number {
  return Math.max(...cell.split('\n').map(widthOf));
}

function formatRow(
  columns: Column[],
  row: string[],
  above: string[] | undefined,
  widths: number[],
) {
  let isSame = above !== undefined;
  const cells = columns.map(({ isGroup = false }, index) => {
    const cell = row[index] ?? '';
    isSame = isSame && isGroup && above?.[index] === cell;
    return isSame ? [] : cell.split('\n');
  });
  const height = Math.max(...cells.map((lines) => lines.length));
  return Array.from({ length: height }, (_, line) =>
    formatLine(
      columns,
      cells.map((lines) => lines[line] ?? ''),
      widths,
    ),
  );
}

function formatLine(columns: Column[], cells: string[], widths: number[]): string {
  const padded = cells.map((cell, index) => {
    const padding = ' '.repeat(Math.max(0, widths[index]! - widthOf(cell)));
    return columns[index]!.align === 'right' ? padding + cell : cell + padding;
  });
  return padded.join(GAP).trimEnd();
}

function formatBlock(columns: Column[], [heading = '', ...cells]: string[], paint: Paint) {
  const named = columns.slice(1).map(({ header }, index) => ({ header, cell: cells[index] ?? '' }));
  const shown = named.filter(({ cell }) => cell !== '');
  const nameWidth = Math.max(0, ...shown.map(({ header }) => header.length));
  const indent = ' '.repeat(nameWidth + 2 * GAP.length);
  const lines = shown.flatMap(({ header, cell }) =>
    cell.split('\n').map((line, index) => {
      return index > 0 ? indent + line : `  ${paint('dim', header.padEnd(nameWidth))}  ${line}`;
    }),
  );
  return [heading, ...lines];
}
