/** The ledger on a real database: what the program relies on, and what nobody may do to it. */

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { type TestContext, test } from 'node:test';
import { closePostgres, connectPostgres } from 'relink/runtime';
import { applyExpand } from '../../../db/schemaChanges.ts';
import { testDatabase } from '../../../test/harness/postgres.ts';
import { type Booking, creditSolution, debitSolution } from '../domain/booking.ts';
import { insertBooking, listBookings, readBalance } from './ledger.ts';
import { readLedger } from './reconciliation.ts';

const template = {
  name: 'service_bonuses',
  fill: (url: string) => applyExpand(url, ['link', 'bonuses']),
};

async function open(t: TestContext) {
  const { url } = await testDatabase(t, template);
  const sql = connectPostgres(url, { name: 'test' });
  t.after(() => closePostgres(sql));
  return { sql, book: (booking: Booking) => sql.begin((tx) => insertBooking(tx, booking)) };
}

function credited(managerId: string, rating = 57): Booking {
  const ids = { solutionId: randomUUID(), assessmentId: randomUUID(), authorId: managerId };
  const facts = { ...ids, acceptedBy: 'a reviewer' };
  return creditSolution({ eventId: randomUUID(), ...facts }, { rating, version: 1n }, new Date());
}

test('gives a balance that is the sum of the bookings, and pages of them in order', async (t) => {
  const { sql, book } = await open(t);
  const managerId = randomUUID();
  const [first, second] = [credited(managerId), credited(managerId, 100)];
  for (const booking of [first, second, debitSolution(randomUUID(), first, new Date())])
    await book(booking);
  const { balanceMinor, creditedMinor, debitedMinor } = await readBalance(sql, managerId);
  assert.deepEqual([balanceMinor, creditedMinor, debitedMinor], [10_000n, 15_700n, 5_700n]);
  const page = await listBookings(sql, managerId, { after: 0n, limit: 2 });
  const rest = await listBookings(sql, managerId, { after: page[1]!.seq, limit: 2 });
  const kinds = [...page, ...rest].map(({ kind, solutionId }) => [kind, solutionId]);
  assert.deepEqual(kinds, [
    ['credit', first.solutionId],
    ['credit', second.solutionId],
    ['debit', first.solutionId],
  ]);
  const { unbalanced, unmatchedDebits, ledgerSumMinor } = await readLedger(sql);
  assert.deepEqual([unbalanced, unmatchedDebits, ledgerSumMinor], [0, 0, 0n]);
});

test('credits a solution once and debits it once', async (t) => {
  const { book } = await open(t);
  const booking = credited(randomUUID());
  await book(booking);
  await assert.rejects(book({ ...booking, id: randomUUID() }), /bookings_once/);
  await book(debitSolution(randomUUID(), booking, new Date()));
  await assert.rejects(book(debitSolution(randomUUID(), booking, new Date())), /bookings_once/);
});

test('refuses to change or remove what is booked', async (t) => {
  const { sql, book } = await open(t);
  const booking = credited(randomUUID());
  await book(booking);
  for (const change of [
    'update bookings set amount_minor = 1',
    'delete from bookings',
    'update ledger_entries set amount_minor = 0',
    'delete from ledger_entries',
    'truncate ledger_entries',
  ])
    await assert.rejects(sql.unsafe(change), /append-only/, change);
});

test('refuses entries that do not sum to zero', async (t) => {
  const { sql, book } = await open(t);
  const booking = credited(randomUUID());
  await book(booking);
  const entry = sql`
    insert into ledger_entries (booking_id, account, amount_minor)
    values (${booking.id}, 'somebody', 1)`;
  await assert.rejects(async () => entry, /must sum to zero/);
});

test('finds a debit that takes back something else than was credited', async (t) => {
  const { sql, book } = await open(t);
  const debit = debitSolution(randomUUID(), credited(randomUUID()), new Date());
  await book(debit);
  assert.equal((await readLedger(sql)).unmatchedDebits, 1);
});
