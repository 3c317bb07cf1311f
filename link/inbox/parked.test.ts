/** Messages of an ordered link that arrive before their turn. */
import assert from 'node:assert/strict';
import { randomUUIDv7 } from 'node:crypto';
import { after, beforeEach, test } from 'node:test';
import { applyExpand } from '../../db/schemaChanges.ts';
import { silentLog } from '../../runtime/log.ts';
import { closePostgres, connectPostgres } from '../../runtime/postgres.ts';
import { links } from '../../services/links.ts';
import { testDatabase } from '../../test/harness/postgres.ts';
import { until } from '../../test/harness/until.ts';
import type { Receipt } from '../wire/receipt.ts';
import type { ApplyEvent } from './handler.ts';
import { Receiver } from './receiver.ts';
import { solutionCompleted, solutionHandler } from './solutions.fixture.ts';

const link = links['COMM-040'];
const template = { name: 'link', fill: (url: string) => applyExpand(url, ['link']) };
const { url } = await testDatabase({ after }, template);
const sql = connectPostgres(url, { name: 'parked' });
after(() => closePostgres(sql));
beforeEach(async () => {
  await sql`truncate relink.inbox, relink.positions, relink.parked, relink.attempts,
    relink.dead_letters`;
});

function receiverOf(apply: ApplyEvent = async () => undefined): Receiver {
  return new Receiver({ sql, link, log: silentLog, handler: solutionHandler(apply) });
}

const outcomesOf = (receipts: readonly Receipt[]) => receipts.map((one) => one.outcome);

async function inboxOutcome(eventId: string): Promise<string | undefined> {
  const [row] = await sql<{ outcome: string }[]>`
    select outcome from relink.inbox where event_id = ${eventId}`;
  return row?.outcome;
}

test('a parked message that no longer fits its contract when its turn comes becomes a dead letter', async () => {
  const receiver = receiverOf();
  const key = randomUUIDv7();
  const [first, second] = [solutionCompleted(key), solutionCompleted(key, 2n)];
  assert.deepEqual(outcomesOf(await receiver.receive([second])), ['parked']);
  // As if the contract of a newer release were stricter.
  await sql`update relink.parked
    set delivery = jsonb_set(delivery, '{text}', to_jsonb(${second.text.replace('completed_at', 'done_at')}::text))`;
  await receiver.receive([first]);
  const receipt = await receiver.unparkOne();
  assert.equal(receipt?.outcome, 'dead');
  assert.match(receipt.detail ?? '', /completed_at/);
  assert.equal(await inboxOutcome(second.eventId), 'dead');
  const letters = await sql`select event_id, reason, version from relink.dead_letters`;
  assert.deepEqual(
    letters.map((one) => ({ ...one })),
    [{ event_id: second.eventId, reason: 'INVALID_EVENT', version: 2n }],
  );
  assert.equal(await receiver.unparkOne(), undefined);
});

test('a message that comes twice in one batch before its turn is parked both times', async () => {
  const second = solutionCompleted(randomUUIDv7(), 2n);
  assert.deepEqual(outcomesOf(await receiverOf().receive([second, { ...second }])), [
    'parked',
    'parked',
  ]);
  const first = solutionCompleted();
  const again = await receiverOf().receive([first, { ...first }]);
  assert.deepEqual(outcomesOf(again), ['applied', 'duplicate']);
});

test('an id that comes twice in one batch with two payloads is refused the second time', async () => {
  const first = solutionCompleted();
  const other = { ...first, text: first.text.replace('T00:00:00Z', 'T00:00:01Z') };
  const receipts = await receiverOf().receive([first, other]);
  assert.deepEqual(outcomesOf(receipts), ['applied', 'dead']);
});

test('a last failed attempt does not bury a parked message that another replica applied meanwhile', async () => {
  const failing = new Receiver({
    ...{ sql, link, log: silentLog, limits: { maxAttempts: 1 } },
    handler: solutionHandler(async () => {
      throw new Error('broken');
    }),
  });
  const other = receiverOf();
  const key = randomUUIDv7();
  const second = solutionCompleted(key, 2n);
  await other.receive([second]);
  await other.receive([solutionCompleted(key)]);
  // The first replica's attempt is rolled back, but it cannot count it yet.
  const counting = await lockAttempts();
  const dying = failing.unparkOne();
  await until(counting.isAwaited, { what: 'an attempt is about to be counted' });
  assert.equal((await other.unparkOne())?.outcome, 'applied');
  await counting.unlock();
  assert.equal((await dying)?.outcome, 'duplicate');
  assert.equal(await inboxOutcome(second.eventId), 'applied');
  assert.equal((await sql`select from relink.dead_letters`).length, 0);
});

async function lockAttempts() {
  const locked = Promise.withResolvers<void>();
  const unlocked = Promise.withResolvers<void>();
  const holding = sql.begin(async (tx) => {
    await tx`lock table relink.attempts`;
    locked.resolve();
    await unlocked.promise;
  });
  await locked.promise;
  return {
    isAwaited: async () => {
      const waiting = await sql`select from pg_locks
        where relation = 'relink.attempts'::regclass and not granted`;
      return waiting.length > 0;
    },
    unlock: async () => {
      unlocked.resolve();
      await holding;
    },
  };
}
