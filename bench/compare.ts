/** How a run differs from an earlier one, row by row (`npm run bench -- --compare FILE`). */
import { readFileSync } from 'node:fs';
import type { Ratio } from './report.ts';

/** The file is not what `npm run bench -- --json` writes. */
export class EarlierRunError extends Error {}

/** Reads the ratios of an earlier run. Throws EarlierRunError. */
export function readEarlierRun(file: string): Ratio[] {
  let ratios: unknown;
  try {
    ({ ratios } = JSON.parse(readFileSync(file, 'utf8')) as { ratios?: unknown });
  } catch (error) {
    throw new EarlierRunError(`--compare ${file}: ${(error as Error).message}`);
  }
  if (!Array.isArray(ratios) || !ratios.every(isRatio))
    throw new EarlierRunError(`--compare ${file}: has no "ratios", as --json writes them`);
  return ratios;
}

function isRatio(value: unknown): value is Ratio {
  const { name, ratio } = (value ?? {}) as Partial<Ratio>;
  return typeof name === 'string' && typeof ratio === 'number';
}

/**
 * A line for each row that both runs have. Rates of different days say little, so ratios and CPU
 * time are compared; `better` follows the row's bound.
 */
export function compareRuns(earlier: readonly Ratio[], now: readonly Ratio[]): string[] {
  const before = new Map(earlier.map((one) => [one.name, one]));
  return now.flatMap((ratio) => {
    const old = before.get(ratio.name);
    if (!old) return [`${ratio.name}: not in the earlier run`];
    const isUp = ratio.bound === 'at least';
    const lines = [changeOf(ratio.name, old.ratio, ratio.ratio, isUp, 2)];
    if (old.cpu && ratio.cpu) {
      const name = `${ratio.name}, CPU µs an event`;
      lines.push(changeOf(name, old.cpu.total, ratio.cpu.total, false, 1));
    }
    return lines;
  });
}

function changeOf(name: string, old: number, now: number, isUp: boolean, digits: number): string {
  const percent = (now / old - 1) * 100;
  const sign = percent > 0 ? '+' : '';
  const verdict = percent === 0 ? 'same' : percent > 0 === isUp ? 'better' : 'worse';
  return `${name}: ${old.toFixed(digits)} → ${now.toFixed(digits)} (${sign}${percent.toFixed(0)} %, ${verdict})`;
}
