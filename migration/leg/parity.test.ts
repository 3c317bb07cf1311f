import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BUCKETS, partsOf } from './parity.ts';

const ALL = Array.from({ length: BUCKETS }, (_, bucket) => bucket);

test('rows that differ everywhere are read a page at a time, not a bucket at a time', () => {
  assert.equal(partsOf(ALL, 10_000).length, 8);
  assert.equal(partsOf(ALL, 160_000).length, 16);
  assert.equal(partsOf(ALL, 100_000_000).length, BUCKETS);
});

test('where little differs, no more is read than its buckets', () => {
  assert.deepEqual(partsOf([], 1_000_000), []);
  assert.deepEqual(partsOf([7], 1_000_000), [{ of: BUCKETS, nth: 7 }]);
  assert.deepEqual(
    partsOf([7, 8], 5_000),
    [7, 8].map((nth) => ({ of: BUCKETS, nth })),
  );
});

test('each bucket that differs is in one of the parts', () => {
  for (const rows of [100, 50_000, 1_000_000])
    for (const buckets of [[0], [3, 131], [1, 2, 250], ALL.filter((one) => one % 3 === 0)]) {
      const parts = partsOf(buckets, rows);
      for (const bucket of buckets)
        assert.equal(parts.filter(({ of, nth }) => bucket % of === nth).length, 1);
    }
});
