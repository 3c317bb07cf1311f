/** Copies of business events: noted, run before the message itself, and compared with it. */
import assert from 'node:assert/strict';
import { after, beforeEach, test } from 'node:test';
import { status } from '@grpc/grpc-js';
import { applyExpand } from '../../db/schemaChanges.ts';
import { RpcCallError } from '../../rpc/client.ts';
import { silentLog } from '../../runtime/log.ts';
import { closePostgres, connectPostgres, type Transaction } from '../../runtime/postgres.ts';
import { links } from '../../services/links.ts';
import { testDatabase } from '../../test/harness/postgres.ts';
import type { Arrival } from '../inbox/delivery.ts';
import type { ApplyEvent, BusinessEvent } from '../inbox/handler.ts';
import { Receiver } from '../inbox/receiver.ts';
import { solutionCompleted, solutionHandler } from '../inbox/solutions.fixture.ts';
import { enqueue } from '../outbox/enqueue.ts';
import type { WrittenMessage } from '../outbox/written.ts';
import { prepareListening } from '../transport/jetStream/listening.ts';
import { compareShadow } from './comparison.ts';
import { setCopyHandling } from './handling.ts';

const link = links['COMM-040'];
const payouts = links['COMM-080'];
const template = { name: 'link', fill: (url: string) => applyExpand(url, ['link']) };
const { url } = await testDatabase({ after }, template);
const sql = connectPostgres(url, { name: 'copies' });
after(() => closePostgres(sql));
beforeEach(async () => {
  await sql`truncate relink.inbox, relink.outbox, relink.shadow_results, relink.effects,
    relink.positions, relink.parked, relink.attempts, relink.listening, relink.dead_letters`;
  await prepareListening(sql, [link]);
});

const UNAVAILABLE = { code: status.UNAVAILABLE, details: 'away' };
const committed: WrittenMessage[] = [];

function receiverOf(apply: ApplyEvent): Receiver {
  const onCommitted = (written: readonly WrittenMessage[]) => committed.push(...written);
  return new Receiver({ sql, link, log: silentLog, handler: solutionHandler(apply), onCommitted });
}

/** Orders a payout of `amount`. */
async function pay(tx: Transaction, event: BusinessEvent, amount: number): Promise<void> {
  const payload = {
    transfer_id: event.eventId,
    solution_id: event.key,
    account_id: String(event.payload.author_id),
    amount_minor: String(amount),
    requested_at: new Date().toISOString(),
  };
  await enqueue(tx, payouts, [{ event: 'CreditToAccount', version: 1n, payload }]);
}

const completed = () => ({ ...solutionCompleted(), isCopied: true });
const copyOf = (arrival: Arrival): Arrival => ({ ...arrival, isShadow: true, isCopied: false });
const compared = async () => {
  const { examples, ...counts } = await compareShadow(sql, link.id, {
    settleMs: 0,
    sinceUnixMs: 0,
  });
  return counts;
};
const NONE = { expected: 0, equal: 0, missing: 0, different: 0, ran: 0, otherEffects: 0 };

test('a copy is only noted until its handling is set to run', async () => {
  let runs = 0;
  const receiver = receiverOf(async () => {
    runs += 1;
    return undefined;
  });
  const message = completed();
  await receiver.receive([copyOf(message)]);
  assert.equal(runs, 0);
  await receiver.receive([message]);
  assert.equal(runs, 1);
  assert.deepEqual(await compared(), { ...NONE, expected: 1, equal: 1 });
});

test('a copy that runs leaves nothing behind, and what it would have written is compared', async () => {
  await setCopyHandling(sql, link.id, 'run');
  const receiver = receiverOf(async (tx, event) => {
    await pay(tx, event, 100);
    return undefined;
  });
  const message = completed();
  await receiver.receive([copyOf(message)]);
  assert.equal((await sql`select from relink.outbox`).length, 0);
  await receiver.receive([message]);
  assert.equal((await sql`select from relink.outbox`).length, 1);
  assert.deepEqual(await compared(), { ...NONE, expected: 1, equal: 1, ran: 1 });
});

test('a copy with a different effect is found, unless its basis was different', async () => {
  await setCopyHandling(sql, link.id, 'run');
  let amount = 100;
  let rating = 1;
  const receiver = receiverOf(async (tx, event) => {
    await pay(tx, event, amount);
    return { rating };
  });
  const other = completed();
  await receiver.receive([copyOf(other)]);
  amount = 200;
  await receiver.receive([other]);
  assert.deepEqual(await compared(), { ...NONE, expected: 1, equal: 1, ran: 1, otherEffects: 1 });
  const moved = completed();
  await receiver.receive([copyOf(moved)]);
  [amount, rating] = [300, 2];
  await receiver.receive([moved]);
  assert.deepEqual(await compared(), { ...NONE, expected: 2, equal: 2, ran: 1, otherEffects: 1 });
});

test('a copy that arrives after its message, or before its turn, does not run', async () => {
  await setCopyHandling(sql, link.id, 'run');
  let runs = 0;
  const receiver = receiverOf(async () => {
    runs += 1;
    return undefined;
  });
  const message = completed();
  await receiver.receive([message]);
  await receiver.receive([copyOf(message)]);
  await receiver.receive([copyOf({ ...completed(), version: 2n })]);
  assert.equal(runs, 1);
  assert.deepEqual(await compared(), { ...NONE, expected: 1, equal: 1 });
});

test('a copy whose handler fails counts as different', async () => {
  await setCopyHandling(sql, link.id, 'run');
  let mustFail = true;
  const receiver = receiverOf(async () => {
    if (mustFail) throw new Error('no such account');
    return undefined;
  });
  const message = completed();
  await receiver.receive([copyOf(message)]);
  mustFail = false;
  await receiver.receive([message]);
  assert.deepEqual(await compared(), { ...NONE, expected: 1, different: 1 });
});

test('what a handler wrote is reported after its commit, and not when it failed', async () => {
  committed.length = 0;
  let mustFail = true;
  const receiver = receiverOf(async (tx, event) => {
    await pay(tx, event, 100);
    if (mustFail) throw new Error('not now');
    return undefined;
  });
  const message = { ...completed(), isCopied: false };
  await receiver.receive([message]);
  assert.equal(committed.length, 0);
  mustFail = false;
  await receiver.receive([message]);
  assert.deepEqual(
    committed.map((one) => one.link),
    [payouts.id],
  );
});

test('a message whose handler gets no answer from another service waits and never becomes a dead letter', async () => {
  let isAway = true;
  const receiver = receiverOf(async () => {
    if (isAway) throw new RpcCallError('hiring.v1.HiringService/X', 'nowhere', UNAVAILABLE);
    return undefined;
  });
  const message = { ...completed(), isCopied: false };
  for (let tries = 0; tries < 12; tries += 1) {
    const [receipt] = await receiver.receive([message]);
    assert.equal(receipt!.outcome, 'retry');
  }
  assert.equal((await sql`select from relink.attempts`).length, 0);
  isAway = false;
  const [receipt] = await receiver.receive([message]);
  assert.equal(receipt!.outcome, 'applied');
});
