/** Batches on a real database: what holds one message up does not hold up the others. */
import assert from 'node:assert/strict';
import { randomUUIDv7 } from 'node:crypto';
import { after, beforeEach, test } from 'node:test';
import { applyExpand } from '../../db/schemaChanges.ts';
import { silentLog } from '../../runtime/log.ts';
import { closePostgres, connectPostgres } from '../../runtime/postgres.ts';
import { pause } from '../../runtime/wake.ts';
import { links } from '../../services/links.ts';
import { testDatabase } from '../../test/harness/postgres.ts';
import { until } from '../../test/harness/until.ts';
import type { Receipt } from '../wire/receipt.ts';
import { raiseFence } from './fence.ts';
import type { ApplyEvent } from './handler.ts';
import { Receiver } from './receiver.ts';
import { solutionCompleted, solutionHandler } from './solutions.fixture.ts';

const link = links['COMM-040'];
const template = { name: 'link', fill: (url: string) => applyExpand(url, ['link']) };
const { url } = await testDatabase({ after }, template);
const sql = connectPostgres(url, { name: 'batches' });
after(() => closePostgres(sql));
await sql`create table balances (key text primary key, amount int8 not null)`;
beforeEach(async () => {
  await sql`truncate relink.inbox, relink.positions, relink.attempts, relink.dead_letters,
    relink.fences, balances`;
});

const credit: ApplyEvent = async (tx, { key }) => {
  await tx`update balances set amount = amount + 1 where key = ${key}`;
  return undefined;
};

function receiverOf(apply: ApplyEvent): Receiver {
  return new Receiver({ sql, link, log: silentLog, handler: solutionHandler(apply) });
}

const outcomesOf = (receipts: readonly Receipt[]) => receipts.map(({ outcome }) => outcome);

/** Somebody else has the row locked until `unlock`. */
async function lock(key: string) {
  const [locked, unlocked] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const holding = sql.begin(async (tx) => {
    await tx`select from balances where key = ${key} for update`;
    locked.resolve();
    await unlocked.promise;
  });
  await locked.promise;
  return async () => {
    unlocked.resolve();
    await holding;
  };
}

test('a row that somebody else keeps locked delays the messages of its key only, and counts no attempt', async () => {
  const receiver = receiverOf(credit);
  const keys = Array.from({ length: 20 }, () => randomUUIDv7());
  const [hot, ...others] = keys as [string];
  for (const key of keys) await sql`insert into balances values (${key}, 0)`;
  const unlock = await lock(hot);
  const ofHot = Array.from({ length: 30 }, (_, i) => solutionCompleted(hot, BigInt(i + 1)));
  const startedMs = performance.now();
  const receipts = await receiver.receive([
    ...ofHot,
    ...others.map((key) => solutionCompleted(key)),
  ]);
  const tookMs = performance.now() - startedMs;
  assert.deepEqual(new Set(outcomesOf(receipts.slice(0, 30))), new Set(['retry']));
  assert.deepEqual(new Set(outcomesOf(receipts.slice(30))), new Set(['applied']));
  assert.ok(tookMs < 5_000, `30 messages of a locked row took ${tookMs} ms`);
  const [again] = await receiver.receive([ofHot[0]!]);
  assert.equal(again?.outcome, 'retry');
  assert.equal((await sql`select from relink.attempts`).length, 0);
  await unlock();
  await pause(again!.retryAfterMs!);
  const settled = async () => outcomesOf(await receiver.receive(ofHot));
  await until(
    async () => (await settled()).every((one) => one === 'applied' || one === 'duplicate'),
    {
      what: 'all of the key are applied',
    },
  );
  const [balance] = await sql`select amount from balances where key = ${hot}`;
  assert.equal(balance?.amount, 30n);
});

test('a batch whose handlers take long is applied in several transactions', async () => {
  const slow: ApplyEvent = async (tx) => {
    await tx`select pg_sleep(0.3)`;
    return undefined;
  };
  const arrivals = Array.from({ length: 12 }, () => solutionCompleted());
  const receipts = await receiverOf(slow).receive(arrivals);
  assert.deepEqual(new Set(outcomesOf(receipts)), new Set(['applied']));
  const transactions = await sql`select distinct xmin::text from relink.inbox`;
  assert.ok(transactions.length > 1, 'all in one transaction');
});

test('a fence waits for what passed the old one, and nobody waits to deliver because of that', async () => {
  const [begun, ended] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const held = solutionCompleted();
  const receiver = receiverOf(async (_tx, { eventId }) => {
    if (eventId !== held.eventId) return undefined;
    begun.resolve();
    await ended.promise;
    return undefined;
  });
  const holding = receiver.receive([held]);
  await begun.promise;
  let isRaised = false;
  const lanes = Array.from({ length: 16 }, (_, lane) => lane);
  const raising = raiseFence(sql, link.id, lanes, 2n).then(() => {
    isRaised = true;
  });
  await until(async () => (await sql`select from relink.fences`).length === 16, {
    what: 'it is up',
  });
  const newer = { ...solutionCompleted(), epoch: 2n };
  const [late] = await receiver.receive([solutionCompleted()]);
  const [next] = await receiver.receive([newer]);
  assert.deepEqual([late?.outcome, next?.outcome, isRaised], ['fenced', 'applied', false]);
  ended.resolve();
  assert.deepEqual(outcomesOf(await holding), ['applied']);
  await raising;
});
