import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compareWithFinance, type Payout } from './reconciliation.ts';

const payout = (id: string, changes: Partial<Payout> = {}): Payout => ({
  id,
  kind: 'credit',
  accountId: 'm',
  amountMinor: 100n,
  isOpen: false,
  ...changes,
});

test('what was ordered and moved alike is no problem', () => {
  const payouts = [payout('1'), payout('2', { kind: 'debit' })];
  assert.deepEqual(compareWithFinance(payouts, payouts), { problems: [], unordered: [] });
});

test('an open payout may have been moved or not', () => {
  const open = payout('1', { isOpen: true });
  assert.deepEqual(compareWithFinance([open], []).problems, []);
  assert.deepEqual(compareWithFinance([open], [open]).problems, []);
});

test('a payout that is confirmed and not moved, or moved otherwise, is named', () => {
  const missing = compareWithFinance([payout('1')], []);
  assert.deepEqual(missing.problems, ['finance has not moved a credit of 100 on m for booking 1']);
  for (const wrong of [{ amountMinor: 99n }, { accountId: 'n' }, { kind: 'debit' as const }])
    assert.match(
      compareWithFinance([payout('1')], [payout('1', wrong)]).problems.join(),
      /for booking 1, not a credit of 100 on m/,
    );
});

test('money that moved without an order is named', () => {
  assert.deepEqual(compareWithFinance([], [payout('7')]).unordered, ['7']);
});
