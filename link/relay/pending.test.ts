import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Flight } from './flight.ts';
import { PendingFlights, type Verdict } from './pending.ts';

const flightOf = (seq: number, lane: number) => ({ row: { seq, lane } }) as Flight;
const seqOf = ({ row }: Flight) => row.seq;

function seen(pending: PendingFlights, verdictOf: (flight: Flight) => Verdict = () => 'stays') {
  const asked: number[] = [];
  pending.look((flight) => {
    asked.push(seqOf(flight));
    return verdictOf(flight);
  });
  return asked;
}

test('the oldest of all lanes is asked first, and a lane that ends is left alone', () => {
  const pending = new PendingFlights();
  for (const [seq, lane] of [
    [1, 0],
    [2, 1],
    [4, 0],
    [5, 1],
    [3, 0],
  ] as const)
    pending.add(flightOf(seq, lane));
  assert.deepEqual(seen(pending), [1, 2, 3, 4, 5]);
  const ended = seen(pending, ({ row }) => (row.lane === 0 ? 'ends' : 'goes'));
  assert.deepEqual(ended, [1, 2, 5]);
  assert.deepEqual(seen(pending), [1, 3, 4]);
});

test('one that comes during a pass is asked in the next, in its place', () => {
  const pending = new PendingFlights();
  for (const seq of [2, 3]) pending.add(flightOf(seq, 0));
  const asked = seen(pending, ({ row: { seq } }) => {
    if (seq === 3) for (const lane of [0, 1]) pending.add(flightOf(1, lane));
    return seq === 2 ? 'goes' : 'stays';
  });
  assert.deepEqual(asked, [2, 3]);
  assert.deepEqual(seen(pending), [1, 1, 3]);
});

test('whatever comes, goes and ends, none is lost, doubled or asked before an older one of its lane', () => {
  const flight = fc.record({ seq: fc.nat(50), lane: fc.nat(3) });
  const verdicts = fc.array(fc.constantFrom<Verdict>('goes', 'stays', 'ends'), { minLength: 1 });
  fc.assert(
    fc.property(fc.uniqueArray(flight, { selector: ({ seq }) => seq }), verdicts, (all, said) => {
      const pending = new PendingFlights();
      for (const { seq, lane } of all) pending.add(flightOf(seq, lane));
      const left = new Set(all.map(({ seq }) => seq));
      let turn = 0;
      for (let pass = 0; pass < 3; pass += 1) {
        const asked = seen(pending, ({ row: { seq } }) => {
          const verdict = said[turn++ % said.length]!;
          if (verdict === 'goes') left.delete(seq);
          return verdict;
        });
        assert.deepEqual(
          asked,
          asked.toSorted((a, b) => a - b),
        );
      }
      assert.deepEqual(
        seen(pending),
        [...left].sort((a, b) => a - b),
      );
    }),
  );
});
