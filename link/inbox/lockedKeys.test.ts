import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LockedKeys } from './lockedKeys.ts';

function open() {
  const clock = { ms: 0 };
  return { clock, locked: new LockedKeys(() => clock.ms) };
}

test('a locked key rests longer each time, up to a limit, and no other key does', () => {
  const { clock, locked } = open();
  const rests = Array.from({ length: 7 }, () => {
    const restMs = locked.note('a');
    clock.ms += restMs!;
    return restMs;
  });
  assert.deepEqual(rests, [500, 1_000, 2_000, 4_000, 5_000, 5_000, 5_000]);
  assert.deepEqual([locked.restMs('a'), locked.has('a')], [0, true]);
  assert.deepEqual([locked.restMs('b'), locked.has('b')], [0, false]);
});

test('it is forgotten once it was applied', () => {
  const { locked } = open();
  locked.note('a');
  assert.equal(locked.restMs('a'), 500);
  locked.forget(['a']);
  assert.deepEqual([locked.restMs('a'), locked.note('a')], [0, 500]);
});

test('after ten minutes a lock counts as any failure', () => {
  const { clock, locked } = open();
  assert.equal(locked.note('a'), 500);
  clock.ms = 10 * 60_000 + 1;
  assert.equal(locked.note('a'), undefined);
  assert.equal(locked.note('a'), undefined);
});
