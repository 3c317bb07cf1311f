import assert from 'node:assert/strict';
import { test } from 'node:test';
import { flightOf } from './flights.fixture.ts';
import { HeldKeys } from './heldKeys.ts';

test('a message waits behind every earlier refused one of its key', () => {
  const held = new HeldKeys();
  const [first, second, third] = [flightOf(1, 'a'), flightOf(2, 'a'), flightOf(3, 'a')];
  held.hold(second); // refused before the first, which was committed later, was tried
  assert.equal(held.isBehind(first), false);
  held.hold(first);
  assert.deepEqual(
    [first, second, third].map((one) => held.isBehind(one)),
    [false, true, true],
  );
  held.release(first);
  assert.deepEqual(
    [second, third].map((one) => held.isBehind(one)),
    [false, true],
  );
  held.release(second);
  assert.equal(held.isBehind(third), false);
});

test('a refused message holds no other key', () => {
  const held = new HeldKeys();
  held.hold(flightOf(1, 'a'));
  assert.equal(held.isBehind(flightOf(2, 'b')), false);
});
