/**
 * What a test at size measured: printed by the runner as one table, and judged when all of it is known.
 */
import assert from 'node:assert/strict';
import { appendFileSync } from 'node:fs';
import type { TestContext } from 'node:test';
import { type Figure, isMet, textOf } from '../../dev/figures.ts';
import { readEnvironment } from '../../runtime/environment.ts';

const SCALE = Number(readEnvironment('RELINK_TEST_SCALE') ?? 1);

/** So many of `count` as the run asks for (`--scale`), and `least` at least. */
export function sized(count: number, least = 1_000): number {
  return Math.max(Math.min(count, least), Math.round(count * SCALE));
}

export class Figures {
  readonly #t: TestContext;
  readonly #figures: Figure[] = [];

  constructor(t: TestContext) {
    this.#t = t;
  }

  /** Notes a figure, with a bound where there is one: its sign is in the text (`≤ 250`). */
  note(name: string, value: number, unit = '', bound?: Figure['bound']): void {
    const figure: Figure = { name, value, unit, ...(bound && { bound }) };
    this.#figures.push(figure);
    this.#t.diagnostic(textOf(figure));
    const file = readEnvironment('RELINK_TEST_FIGURES');
    if (file) appendFileSync(file, `${JSON.stringify(figure)}\n`);
  }

  /** Fails when a figure missed its bound: once, at the end, so that the others are known too. */
  judge(): void {
    const missed = this.#figures.filter((figure) => !isMet(figure)).map(textOf);
    assert.deepEqual(missed, []);
  }
}
