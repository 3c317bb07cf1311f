import assert from 'node:assert/strict';
import { test } from 'node:test';
import { slowDownIfOverloaded } from './rate.ts';

test('the traffic slows down while answers take seconds, down to a few requests a second', () => {
  const traffic = { waiting: 200, ratePerSecond: 100 };
  slowDownIfOverloaded(traffic);
  assert.equal(traffic.ratePerSecond, 100);
  traffic.waiting = 201;
  slowDownIfOverloaded(traffic);
  assert.equal(traffic.ratePerSecond, 70);
  for (let i = 0; i < 20; i++) slowDownIfOverloaded(traffic);
  assert.equal(traffic.ratePerSecond, 10);
  const low = { waiting: 50, ratePerSecond: 5 };
  slowDownIfOverloaded(low);
  assert.equal(low.ratePerSecond, 5);
});
