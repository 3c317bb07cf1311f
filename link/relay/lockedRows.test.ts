/** Somebody else locked an open row: what waits for it, and what must not. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { type TestContext, test } from 'node:test';
import { applyExpand } from '../../db/schemaChanges.ts';
import { closePostgres, connectPostgres, type Database } from '../../runtime/postgres.ts';
import { testDatabase } from '../../test/harness/postgres.ts';
import { until } from '../../test/harness/until.ts';
import { closeRows } from '../outbox/closeRows.ts';
import { LaneLeases } from './lanes.ts';
import { isOpen, relayRig, write } from './relay.fixture.ts';

const LINK = 'COMM-010';
const LEG = 'COMM-010/hiring';
const LANE = 3;
const template = { name: 'link', fill: (url: string) => applyExpand(url, ['link']) };

/** Locks the row until the function that it returns is called. */
async function lockRow(sql: Database, seq: number): Promise<() => Promise<void>> {
  const end = Promise.withResolvers<void>();
  const locked = Promise.withResolvers<void>();
  const holding = sql.begin(async (tx) => {
    await tx`select 1 from relink.outbox where seq = ${seq} for update`;
    locked.resolve();
    await end.promise;
  });
  await locked.promise;
  return async () => {
    end.resolve();
    await holding;
  };
}

async function waitingClosing(t: TestContext) {
  const { url } = await testDatabase(t, template);
  const sql = connectPostgres(url, { name: 'test' });
  const impatient = connectPostgres(url, { name: 'leases', statementTimeoutMs: 3_000 });
  t.after(() => Promise.all([closePostgres(sql), closePostgres(impatient)]));
  const leases = new LaneLeases(impatient, 'one', [LINK]);
  await leases.prepare();
  await leases.refresh();
  const [row] = await sql<{ seq: number; eventId: string }[]>`
    insert into relink.outbox (leg, lane, key, version, event, event_version, event_id, body)
    values (${LEG}, ${LANE}, 'k', 1, 'E', 0, ${randomUUID()}, '{}')
    returning seq::float8 as seq, event_id as "eventId"`;
  const unlock = await lockRow(sql, row!.seq);
  const terms = new Map([[LANE, leases.owned.get(LINK)!.get(LANE)!]]);
  const rows = [{ ...row!, lane: LANE, epoch: 1n, hash: 7n, hashedVersion: 0 }];
  const closing = closeRows(
    sql,
    { link: LINK, instance: 'one' },
    { leg: LEG, rows, terms, isKept: false },
  );
  const isWaiting = () => sql`select 1 from pg_stat_activity
    where datname = current_database() and wait_event_type = 'Lock' and query ~ 'relink.closed'`;
  await until(async () => (await isWaiting()).length > 0, { what: 'the closing waits' });
  return { sql, impatient, leases, closing, unlock };
}

test('leases are renewed while a closing waits for a locked row', async (t) => {
  const { leases, closing, unlock } = await waitingClosing(t);
  await leases.refresh();
  assert.equal(leases.owned.get(LINK)!.size, 16);
  await unlock();
  assert.equal((await closing).removed, 1);
});

test('a lane gets no new term while a closing under its old one is under way', async (t) => {
  const { sql, impatient, closing, unlock } = await waitingClosing(t);
  await sql`update relink.lanes set expires_at = '-infinity'`;
  await sql`delete from relink.relays`;
  const other = new LaneLeases(impatient, 'two', [LINK]);
  await other.refresh();
  assert.equal(other.owned.get(LINK)!.has(LANE), false);
  assert.equal(other.owned.get(LINK)!.size, 15);
  await unlock();
  assert.deepEqual({ ...(await closing) }, { isOwned: true, removed: 1 });
  await other.refresh();
  assert.ok(other.owned.get(LINK)!.has(LANE));
});

test('leases are renewed while what follows from new lanes hangs', async (t) => {
  const { sql, relay } = await relayRig(t);
  const end = Promise.withResolvers<void>();
  const locked = Promise.withResolvers<void>();
  await relay.start();
  const leaseEnd = async () => {
    const [row] = await sql<{ at: number }[]>`
      select extract(epoch from min(expires_at))::float8 as at from relink.lanes`;
    return row!.at;
  };
  const hanging = sql.begin(async (tx) => {
    await tx`lock table relink.routes in access exclusive mode`;
    locked.resolve();
    await end.promise;
  });
  await locked.promise;
  await sql`update relink.lanes set term = term + 1, expires_at = '-infinity'`;
  await until(async () => (await leaseEnd()) > 0, { what: 'the lanes are taken' });
  const first = await leaseEnd();
  await until(async () => (await leaseEnd()) > first + 1.5, { what: 'leases are renewed twice' });
  end.resolve();
  await hanging;
});

test('a locked row is closed when it is free again, and all others at once', async (t) => {
  const { sql, relay, consumer } = await relayRig(t, { queueSession: { lock_timeout: 100 } });
  await relay.start();
  const messages = [await write(sql), await write(sql), await write(sql)] as const;
  const [locked, ...others] = messages;
  const unlock = await lockRow(sql, locked.seq);
  for (const message of messages) await consumer.callOf(message);
  await Promise.all(messages.map((message) => consumer.answer(message)));
  for (const message of others)
    await until(async () => !(await isOpen(sql, message)), { what: 'the others are closed' });
  assert.ok(await isOpen(sql, locked));
  await unlock();
  await until(async () => !(await isOpen(sql, locked)), { what: 'it is closed, too' });
  assert.equal(consumer.calls.length, messages.length, 'nothing was sent again');
});
