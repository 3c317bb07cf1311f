/** The figures that tests at size noted, for people and for programs (`npm run test:size`). */
import { readFile } from 'node:fs/promises';

export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  readonly bound?: { readonly atMost: number } | { readonly atLeast: number };
}

export function isMet({ value, bound }: Figure): boolean {
  if (!bound) return true;
  return 'atMost' in bound ? value <= bound.atMost : value >= bound.atLeast;
}

/** Of a file with one in each line; none where no test noted any. */
export async function readFigures(file: string): Promise<Figure[]> {
  const text = await readFile(file, 'utf8').catch(() => '');
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Figure);
}

/** `memory, draining: 212 MB (≤ 250: met)`. */
export function textOf(figure: Figure): string {
  const { name, value, unit, bound } = figure;
  const said = `${name}: ${formatNumber(value)}${unit && ` ${unit}`}`;
  if (!bound) return said;
  const limit = 'atMost' in bound ? `≤ ${bound.atMost}` : `≥ ${bound.atLeast}`;
  return `${said} (${limit}: ${isMet(figure) ? 'met' : 'missed'})`;
}

function formatNumber(value: number): string {
  if (value >= 100) return Math.round(value).toLocaleString('en-US');
  return value.toFixed(value < 10 ? 2 : 1);
}
