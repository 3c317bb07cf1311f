import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Breaker } from './breaker.ts';

const MANY = ['a', 'b', 'c', 'd', 'e'];

/** A breaker on a clock of the test, which opened because many keys failed. */
function opened() {
  const clock = { ms: 0 };
  const breaker = new Breaker({ now: () => clock.ms });
  const counted = MANY.map((key) => breaker.failed(key, `${key} failed`));
  return { breaker, clock, counted };
}

/** Tries what it lets through, and all of it fails. */
function failAll(breaker: Breaker): void {
  const taken = breaker.take(10);
  for (let i = 0; i < taken; i += 1) breaker.failed(`key ${i}`, 'still broken');
  breaker.done(taken);
}

test('it opens when many different keys fail, and says why; the last failure does not count', () => {
  const { breaker, clock, counted } = opened();
  assert.deepEqual(counted, [true, true, true, true, false]);
  clock.ms = 500;
  assert.deepEqual(breaker.pause, { reason: 'e failed', forMs: 500 });
  assert.deepEqual([breaker.room, breaker.take(10), breaker.waitMs], [0, 0, 500]);
});

test('one key that fails again and again does not open it, nor do failures that successes make up for', () => {
  const breaker = new Breaker();
  for (let i = 0; i < 100; i += 1) assert.ok(breaker.failed('poison', 'bad'));
  for (let i = 0; i < 100; i += 1) {
    assert.ok(breaker.failed(`key ${i}`, 'bad'));
    breaker.succeeded([`good ${i}`]);
  }
  assert.ok(breaker.isClosed);
});

test('when its time is over a few are tried: one success closes it, and it begins anew', () => {
  const { breaker, clock } = opened();
  clock.ms = 1_000;
  assert.equal(breaker.take(10), 3);
  assert.equal(breaker.room, 0, 'while they are tried no others are');
  breaker.succeeded(['a']);
  breaker.done(3);
  assert.equal(breaker.pause, undefined);
  assert.equal(breaker.room, Number.POSITIVE_INFINITY);
  assert.ok(breaker.failed('f', 'bad'));
});

test('each time all of them fail it pauses for twice as long, up to a limit', () => {
  const { breaker, clock } = opened();
  const pauses: number[] = [];
  for (let i = 0; i < 8; i += 1) {
    pauses.push(breaker.waitMs);
    clock.ms += breaker.waitMs;
    failAll(breaker);
  }
  assert.deepEqual(pauses, [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000]);
});

test('tries that end neither way may be repeated, and a single message is tried as often as a few', () => {
  const { breaker, clock } = opened();
  clock.ms = 1_000;
  breaker.done(breaker.take(3));
  for (const left of [2, 1]) {
    breaker.take(1);
    assert.equal(breaker.failed('a', 'bad'), false);
    breaker.done(1);
    assert.equal(breaker.room, left);
  }
  breaker.take(1);
  breaker.failed('a', 'bad');
  breaker.done(1);
  assert.equal(breaker.room, 0, 'paused again');
});

test('failures count again after an hour: where nothing else is left, no success would close it', () => {
  const { breaker, clock } = opened();
  clock.ms = 59 * 60_000;
  assert.equal(breaker.failed('a', 'bad'), false);
  clock.ms = 61 * 60_000;
  assert.equal(breaker.failed('a', 'bad'), true);
});

test('what began before it opened and fails late does not use up a try', () => {
  const { breaker, clock } = opened();
  assert.equal(breaker.failed('late', 'bad'), false);
  clock.ms = 1_000;
  assert.equal(breaker.room, 3);
});
