import assert from 'node:assert/strict';
import { test } from 'node:test';
import { alternate, machineMs, median, percentile, perSecond } from './measure.ts';

test('both sides run once to warm up, then alternate and take turns going first', async () => {
  const order: string[] = [];
  const side = (name: string) => async () => order.push(name);
  const rounds = await alternate({ ours: side('o'), against: side('a') }, 3);
  assert.equal(order.join(''), 'oa' + 'oa' + 'ao' + 'oa');
  assert.equal(rounds.ours.length, 3);
  assert.equal(rounds.against.length, 3);
});

test('a side that fails fails the benchmark', async () => {
  const failing = () => Promise.reject(new Error('no'));
  await assert.rejects(alternate({ ours: async () => 1, against: failing }, 1), /no/);
});

test('the median is the middle value, of an even number the mean of the two in the middle', () => {
  assert.equal(median([9, 1, 5]), 5);
  assert.equal(median([1, 2, 10, 4]), 3);
  assert.throws(() => median([]), /no values/);
});

test('percentiles are values that were measured', () => {
  const values = Array.from({ length: 101 }, (_, i) => 100 - i);
  assert.equal(percentile(values, 0), 0);
  assert.equal(percentile(values, 0.5), 50);
  assert.equal(percentile(values, 0.99), 99);
  assert.equal(percentile(values, 1), 100);
  assert.equal(percentile([7], 0.99), 7);
});

test('a rate covers all of the work', async () => {
  let isDone = false;
  const rate = await perSecond(10, async () => {
    await new Promise(setImmediate);
    isDone = true;
  });
  assert.ok(isDone && rate > 0 && Number.isFinite(rate));
});

test('the clock of the machine never goes back', () => {
  const first = machineMs();
  assert.ok(machineMs() >= first);
});
