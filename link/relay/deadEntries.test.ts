/** An old snapshot (a dump, a replication slot) keeps the index entries of rows that are long closed. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '../../test/harness/until.ts';
import { isOpen, relayRig, write } from './relay.fixture.ts';

/** Skipping the entries of all of them takes longer than a statement may. */
const CLOSED = 300_000;
const STATEMENT_MS = 100;

test('messages flow although the entries of many closed rows cannot be removed', async (t) => {
  const { sql, relay, consumer } = await relayRig(t, {
    queueSession: { statement_timeout: STATEMENT_MS },
  });
  consumer.isHeld = () => false;
  const end = Promise.withResolvers<void>();
  const begun = Promise.withResolvers<void>();
  const dumping = sql.begin(async (tx) => {
    await tx`set transaction isolation level repeatable read`;
    await tx`select 1 from relink.outbox limit 1`;
    begun.resolve();
    await end.promise;
  });
  await begun.promise;
  await sql`insert into relink.outbox (leg, lane, key, version, event, event_version, event_id, body)
    select 'COMM-040/bonuses', 0, 'k', 1, 'E', 0, gen_random_uuid(), '{}'
    from generate_series(1, ${CLOSED}::int)`;
  await sql`delete from relink.outbox`;
  await relay.start();
  for (let i = 0; i < 5; i++) {
    const message = await write(sql);
    await until(async () => !(await isOpen(sql, message)), { what: 'it is sent and closed' });
  }
  end.resolve();
  await dumping;
  assert.equal(consumer.calls.length, 5);
});
