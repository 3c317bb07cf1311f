/** The database lost its last writes (a fail-over, a backup): numbers are given a second time. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Database } from '../../runtime/postgres.ts';
import { until } from '../../test/harness/until.ts';
import type { Enqueued } from '../outbox/message.ts';
import { isOpen, relayRig, write } from './relay.fixture.ts';

/** The row is gone as if it had never been, and the next one gets its number. */
async function loseWrite(sql: Database, { eventId, seq }: Enqueued): Promise<void> {
  await sql`delete from relink.outbox where event_id = ${eventId}`;
  await sql`select setval('relink.outbox_seq_seq', ${seq}, false)`;
}

test('a row that has the number of a lost one is sent, and only its own receipt closes it', async (t) => {
  const { sql, relay, consumer } = await relayRig(t);
  await relay.start();
  const lost = await write(sql);
  await consumer.callOf(lost);
  await loseWrite(sql, lost);
  const message = await write(sql);
  assert.equal(message.seq, lost.seq);
  await consumer.callOf(message);
  await consumer.answer(lost);
  const later = await write(sql);
  await consumer.answer(later);
  await until(async () => !(await isOpen(sql, later)), { what: 'a later message is closed' });
  assert.ok(await isOpen(sql, message));
  await consumer.answer(message);
  await until(async () => !(await isOpen(sql, message)), { what: 'its receipt closes it' });
  const [closed] = await sql`select sum(count)::int as count from relink.closed`;
  assert.equal(closed!.count, 2);
});

test('the receipt of a lost row is not taken for that of the row with its number', async (t) => {
  const { sql, relay, consumer } = await relayRig(t);
  await relay.start();
  const lost = await write(sql);
  await consumer.callOf(lost);
  await loseWrite(sql, lost);
  const message = await write(sql);
  const isApplied = relay.waitForReceipt(message, 500);
  await consumer.answer(lost);
  assert.equal(await isApplied, false);
  await consumer.answer(message);
  await until(async () => !(await isOpen(sql, message)), { what: 'it is sent and closed' });
});
