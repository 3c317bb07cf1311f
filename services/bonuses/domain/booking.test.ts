import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  BASE_BONUS_MINOR,
  bonusFor,
  creditSolution,
  debitSolution,
  entriesOf,
  payoutOf,
} from './booking.ts';

const rating = fc.integer({ min: 0, max: 100 });
const event = { eventId: 'e1', solutionId: 's', assessmentId: 'a', authorId: 'm', acceptedBy: '' };
const credited = (points: number) =>
  creditSolution(event, { rating: points, version: 3n }, new Date(0));

test('what is no rating is not booked: it could make sums overflow', () => {
  for (const points of [-1, 101, 2 ** 31 - 1]) assert.throws(() => credited(points), RangeError);
});

test('a bonus is the base times the rating, never above the base, never part of a minor unit', () => {
  assert.deepEqual(
    [bonusFor(0), bonusFor(1), bonusFor(57), bonusFor(100)],
    [0n, 100n, 5_700n, BASE_BONUS_MINOR],
  );
  fc.assert(
    fc.property(rating, (points) => {
      const exact = Number(BASE_BONUS_MINOR) * points;
      assert.ok(Number(bonusFor(points)) * 100 <= exact);
      assert.ok((Number(bonusFor(points)) + 1) * 100 > exact);
    }),
  );
});

test('the entries of every booking sum to zero, and a debit undoes its credit', () => {
  fc.assert(
    fc.property(rating, (points) => {
      const credit = credited(points);
      const debit = debitSolution('e2', credit, new Date(1));
      const sums = new Map<string, bigint>();
      for (const booking of [credit, debit]) {
        const entries = entriesOf(booking);
        assert.equal(entries[0].amountMinor + entries[1].amountMinor, 0n);
        for (const { account, amountMinor } of entries)
          sums.set(account, (sums.get(account) ?? 0n) + amountMinor);
      }
      assert.deepEqual([...sums.values()], [0n, 0n]);
    }),
  );
});

test('finance is ordered to pay what is booked, the credit before the debit, and never nothing', () => {
  const credit = credited(57);
  const paid = payoutOf(credit)!;
  const taken = payoutOf(debitSolution('e2', credit, new Date(1)))!;
  assert.deepEqual([paid.event, paid.version], ['CreditToAccount', 1n]);
  assert.deepEqual([taken.event, taken.version], ['DebitFromAccount', 2n]);
  assert.deepEqual([paid.payload.amount_minor, taken.payload.amount_minor], ['5700', '5700']);
  assert.equal(paid.payload.solution_id, taken.payload.solution_id);
  assert.equal(payoutOf(credited(0)), undefined);
});
