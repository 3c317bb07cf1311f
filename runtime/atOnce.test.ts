import assert from 'node:assert/strict';
import { test } from 'node:test';
import { forEachAtOnce } from './atOnce.ts';

test('parallel work does each thing once and no more at a time than asked for', async () => {
  const done: number[] = [];
  let running = 0;
  let most = 0;
  await forEachAtOnce([...Array(20).keys()], 4, async (i) => {
    most = Math.max(most, ++running);
    await new Promise(setImmediate);
    running -= 1;
    done.push(i);
  });
  assert.equal(most, 4);
  assert.deepEqual(
    done.sort((a, b) => a - b),
    Array.from({ length: 20 }, (_, i) => i),
  );
});

test('the first failure ends it', async () => {
  const begun: number[] = [];
  const work = async (i: number) => {
    begun.push(i);
    if (i === 3) throw new Error('the fourth');
  };
  await assert.rejects(forEachAtOnce([...Array(20).keys()], 1, work), /the fourth/);
  assert.deepEqual(begun, [0, 1, 2, 3]);
});
