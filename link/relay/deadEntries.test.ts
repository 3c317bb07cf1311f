/**
 * An old snapshot (a dump, a replication slot) keeps the index entries of rows that are long closed: a
 * statement that had to skip all of them would take longer and longer, and at last too long.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '../../test/harness/until.ts';
import { type OpenRows, readOpen, SPAN } from '../outbox/openRows.ts';
import { isOpen, relayRig, write } from './relay.fixture.ts';

const LEG = 'COMM-040/bonuses';

test('one read looks at a bounded piece of the numbers, and says that there are more', async (t) => {
  const { sql } = await relayRig(t);
  await sql`select setval('relink.outbox_seq_seq', ${3 * SPAN})`;
  const message = await write(sql);
  const read = async (tail: number) => {
    const order = { leg: LEG, tail, end: tail + SPAN, laneMask: 0xffff, limit: 10, bytes: 1_000 };
    const [{ rows, through, isMore }] = (await readOpen(sql, [order])) as [OpenRows];
    return { found: rows.length, through, isMore };
  };
  assert.deepEqual(await read(0), { found: 0, through: SPAN, isMore: true });
  assert.deepEqual(await read(3 * SPAN), { found: 1, through: message.seq, isMore: false });
});

test('a relay gets past any number of closed rows, and the next message is sent at once', async (t) => {
  const { sql, relay, consumer } = await relayRig(t);
  consumer.isHeld = () => false;
  await sql`select setval('relink.outbox_seq_seq', ${10 ** 12})`;
  await relay.start();
  for (let i = 0; i < 2; i++) {
    const message = await write(sql);
    await until(async () => !(await isOpen(sql, message)), { what: 'it is sent and closed' });
  }
  assert.equal(consumer.calls.length, 2);
});
