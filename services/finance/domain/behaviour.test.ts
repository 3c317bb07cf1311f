import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { fateOf, WELL } from './behaviour.ts';

const draw = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

test('finance that behaves well never refuses and always answers', () => {
  fc.assert(
    fc.property(draw, draw, (fail, late) => {
      assert.deepEqual(fateOf(WELL, fail, late), {
        delayMs: 0,
        isRefused: false,
        isAnsweredLate: false,
      });
    }),
  );
});

test('100 of 100 is every order, 30 of 100 is a draw below 0.3', () => {
  fc.assert(
    fc.property(draw, draw, (fail, late) => {
      const all = fateOf({ failPercent: 100, delayMs: 5, timeOutPercent: 100 }, fail, late);
      assert.deepEqual(all, { delayMs: 5, isRefused: true, isAnsweredLate: true });
      const some = fateOf({ failPercent: 30, delayMs: 0, timeOutPercent: 30 }, fail, late);
      assert.deepEqual([some.isRefused, some.isAnsweredLate], [fail * 100 < 30, late * 100 < 30]);
    }),
  );
});
