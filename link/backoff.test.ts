import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { backoffMs } from './backoff.ts';

test('a wait is between nothing and a bound that doubles up to the cap', () => {
  const limits = fc.record({
    baseMs: fc.integer({ min: 1, max: 10_000 }),
    capMs: fc.integer({ min: 1, max: 100_000 }),
  });
  const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 10_000 }), limits, random, (attempt, limit, chance) => {
      const waitMs = backoffMs(attempt, limit, () => chance);
      const boundMs = Math.min(limit.capMs, limit.baseMs * 2 ** Math.min(attempt - 1, 30));
      assert.ok(waitMs >= 0 && waitMs <= boundMs, `${waitMs} of ${boundMs}`);
      assert.ok(Number.isInteger(waitMs));
    }),
  );
});

test('the whole range below the bound is used', () => {
  const limit = { baseMs: 100, capMs: 10_000 };
  assert.equal(
    backoffMs(3, limit, () => 0),
    0,
  );
  assert.equal(
    backoffMs(3, limit, () => 0.5),
    200,
  );
  assert.equal(
    backoffMs(3, limit, () => 1 - Number.EPSILON),
    400,
  );
  assert.equal(
    backoffMs(50, limit, () => 1 - Number.EPSILON),
    10_000,
  );
});
