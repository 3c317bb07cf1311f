import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatAgo, formatDuration, formatMoment, formatSince } from './time.ts';

const NOW = Date.parse('2026-03-02T14:03:07');
const before = (ms: number) => new Date(NOW - ms).toISOString();

test('durations have at most two units', () => {
  const said = [0, 999, 1_250, 9_999, 59_999, 185_000, 180_000, 7_500_000, 90_000_000];
  assert.deepEqual(said.map(formatDuration), [
    ...['0 ms', '999 ms', '1.2 s', '9.9 s', '59 s'],
    ...['3 min 5 s', '3 min', '2 h 5 min', '1 d 1 h'],
  ]);
});

test('since counts whole seconds and is empty without a moment', () => {
  assert.equal(formatSince(before(12_900), NOW), 'since 12 s');
  assert.equal(formatSince(before(-50), NOW), 'since 0 s');
  assert.equal(formatSince(before(65_000), NOW), 'since 1 min 5 s');
  assert.equal(formatSince('', NOW), '');
});

test('how long ago has one unit', () => {
  assert.equal(formatAgo(before(3_700_000), NOW), '1 h ago');
  assert.equal(formatAgo('', NOW), '–');
});

test('a moment is local, with its day when that is another', () => {
  assert.equal(formatMoment(before(0), NOW), '14:03:07');
  assert.equal(formatMoment(before(86_400_000), NOW), '2026-03-01 14:03:07');
  assert.equal(formatMoment('', NOW), '–');
});
