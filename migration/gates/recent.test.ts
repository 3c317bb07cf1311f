import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { StepContext } from '../plan.ts';
import { parseSettings } from '../settings.ts';
import { judgeRecent } from './recent.ts';

/** Looks of one gate: at each second so many failed of all so far. */
function verdictsOf(looks: readonly [atS: number, failed: number, all: number][]): string[] {
  const context = { run: { settings: parseSettings({}) } } as StepContext;
  return looks.map(([atS, failed, all]) => {
    return judgeRecent(context, 'dispatches', { failed, all }, atS * 1_000).verdict;
  });
}

test('a burst of failures, as a restart makes one, is waited for and passes', () => {
  const looks = verdictsOf([
    [0, 0, 1_000],
    [1, 60, 1_100],
    [5, 60, 1_300],
    [12, 60, 1_700],
  ]);
  assert.deepEqual(looks, ['pass', 'wait', 'wait', 'pass']);
});

test('failures that go on fail the gate', () => {
  const looks = verdictsOf([
    [0, 0, 1_000],
    [5, 50, 1_100],
    [10, 100, 1_200],
    [15, 150, 1_300],
    [20, 200, 1_400],
  ]);
  assert.deepEqual(looks, ['pass', 'wait', 'wait', 'wait', 'fail']);
});

test('few tries say nothing, and what failed before the gate is not its matter', () => {
  assert.deepEqual(
    verdictsOf([
      [0, 900, 1_000],
      [1, 903, 1_010],
      [2, 903, 1_100],
    ]),
    ['pass', 'pass', 'pass'],
  );
});

test('counters that begin anew after a restart are not subtracted from', () => {
  assert.deepEqual(
    verdictsOf([
      [0, 500, 1_000],
      [1, 0, 10],
      [2, 40, 60],
    ]),
    ['pass', 'pass', 'wait'],
  );
});
