import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { laneOf } from '../link.ts';
import type { Flight } from './flight.ts';
import { flightOf } from './flights.fixture.ts';
import { CALLS, KeyQueue, LANE_CALLS } from './keyQueue.ts';

/** What may happen next; each does nothing when it does not apply. */
const step = fc.oneof(
  fc.record({ do: fc.constant('push'), key: fc.constantFrom('a', 'b', 'c', 'd') }),
  fc.record({ do: fc.constantFrom('take', 'answer', 'fail', 'again', 'drop'), at: fc.nat() }),
);

test('one message of a key is called at a time, in order, however calls end', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const queue = new KeyQueue();
      const waiting: Flight[] = []; // in the queue, by order of arrival
      const calling: Flight[] = [];
      const failed: Flight[] = [];
      const pick = (from: Flight[], at: number) => from.splice(at % from.length, 1)[0]!;
      const remove = (flight: Flight) => {
        waiting.splice(waiting.indexOf(flight), 1);
        queue.leave(flight);
      };
      let seq = 0;
      for (const one of steps) {
        if ('key' in one) {
          const flight = flightOf(++seq, one.key);
          waiting.push(flight);
          queue.push(flight);
        } else if (one.do === 'take') {
          const flight = queue.take();
          if (!flight) continue;
          const { key } = flight.row;
          assert.ok(!calling.some((other) => other.row.key === key), 'one call of a key at a time');
          assert.equal(
            waiting.find((other) => other.row.key === key),
            flight,
            'the oldest first',
          );
          calling.push(flight);
        } else if (one.do === 'answer' && calling.length > 0) {
          const flight = pick(calling, one.at);
          queue.ended(flight);
          remove(flight);
        } else if (one.do === 'fail' && calling.length > 0) {
          const flight = pick(calling, one.at);
          failed.push(flight);
          queue.ended(flight);
        } else if (one.do === 'again' && failed.length > 0) queue.again(pick(failed, one.at));
        else if (one.do === 'drop' && failed.length > 0) remove(pick(failed, one.at));
        assert.equal(queue.size, waiting.length);
        assert.ok(calling.length <= CALLS);
      }
    }),
  );
});

test('no message is forgotten: as calls end, all are taken', () => {
  const queue = new KeyQueue();
  const count = 3 * CALLS;
  for (let seq = 1; seq <= count; seq++) queue.push(flightOf(seq, `key ${seq % 5}`));
  const taken: number[] = [];
  for (let flight = queue.take(); flight; flight = queue.take()) {
    taken.push(flight.row.seq);
    queue.ended(flight);
    queue.leave(flight);
  }
  assert.equal(taken.length, count);
  assert.equal(queue.size, 0);
});

test('calls of one lane that hang leave calls for the others', () => {
  const queue = new KeyQueue();
  const keys = Array.from({ length: 1_000 }, (_, i) => `key ${i}`);
  const [inLane, elsewhere] = [true, false].map((isThere) =>
    keys.filter((key) => (laneOf(key) === 3) === isThere),
  ) as [string[], string[]];
  let seq = 0;
  for (const key of inLane.slice(0, CALLS)) queue.push(flightOf(++seq, key));
  queue.push(flightOf(++seq, elsewhere[0]!));
  const taken: Flight[] = [];
  for (let flight = queue.take(); flight; flight = queue.take()) taken.push(flight);
  assert.equal(taken.filter(({ row }) => row.lane === 3).length, LANE_CALLS);
  assert.equal(taken.at(-1)!.row.key, elsewhere[0]);
});

test('messages of one key that wait leave room for other keys', () => {
  const queue = new KeyQueue();
  let pushed = 0;
  while (queue.hasRoomFor(flightOf(pushed + 1, 'stuck'))) queue.push(flightOf(++pushed, 'stuck'));
  assert.ok(pushed < 10);
  assert.ok(queue.hasRoomFor(flightOf(pushed + 1, 'another')));
});
