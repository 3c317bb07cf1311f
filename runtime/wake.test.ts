import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pause, repeat, Wake } from './wake.ts';

const LONG_MS = 60_000;

test('a wake ends the current wait', async () => {
  const wake = new Wake();
  const waiting = wake.wait(LONG_MS);
  wake.wake();
  assert.equal(await waiting, true);
});

test('wakes that come while nobody waits count as one', async () => {
  const wake = new Wake();
  wake.wake();
  wake.wake();
  assert.equal(await wake.wait(LONG_MS), true);
  assert.equal(await wake.wait(1), false);
});

test('every waiter is woken by the same wake', async () => {
  const wake = new Wake();
  const waiting = Promise.all([wake.wait(LONG_MS), wake.wait(LONG_MS)]);
  wake.wake();
  assert.deepEqual(await waiting, [true, true]);
});

test('an abort ends the wait without an error and leaves no listener', async () => {
  const wake = new Wake();
  const stopping = new AbortController();
  const waiting = wake.wait(LONG_MS, stopping.signal);
  stopping.abort();
  assert.equal(await waiting, false);
  assert.equal(await wake.wait(LONG_MS, stopping.signal), false);
});

test('a pause tells whether it was cut short', async () => {
  const stopping = new AbortController();
  assert.equal(await pause(1, stopping.signal), true);
  const cut = pause(LONG_MS, stopping.signal);
  stopping.abort();
  assert.equal(await cut, false);
});

test('a repeater goes on after an error and never runs twice at once', async () => {
  const errors: unknown[] = [];
  let runs = 0;
  let isRunning = false;
  const third = Promise.withResolvers<void>();
  const repeater = repeat(
    1,
    async () => {
      assert.equal(isRunning, false);
      isRunning = true;
      runs += 1;
      await Promise.resolve();
      isRunning = false;
      if (runs === 1) throw new Error('first run');
      if (runs === 3) third.resolve();
    },
    (error) => errors.push(error),
  );
  await third.promise;
  await repeater.stop();
  await repeater.stop();
  const runsAtStop = runs;
  assert.equal(errors.length, 1);
  await pause(5);
  assert.equal(runs, runsAtStop);
});
