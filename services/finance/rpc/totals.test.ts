/** Amounts that no statement could add up are refused where they are booked. */

import assert from 'node:assert/strict';
import { randomUUID, randomUUIDv7 } from 'node:crypto';
import { test } from 'node:test';
import { RpcCallError } from 'relink/rpc';
import { Receiver } from '../../../link/inbox/receiver.ts';
import { silentLog } from '../../../runtime/log.ts';
import { links } from '../../links.ts';
import { TOTAL_MAX_MINOR } from '../domain/transfer.ts';
import { transferMoney } from '../events/orders.ts';
import { open } from './finance.fixture.ts';

const order = (amountMinor: bigint) => ({
  idempotencyKey: randomUUID(),
  accountId: randomUUID(),
  amountMinor,
});
const tooLarge = (error: unknown) =>
  error instanceof RpcCallError &&
  error.code === 'FAILED_PRECONDITION' &&
  error.reason === 'TOTAL_TOO_LARGE';

test('a credit with which all credits overflow is refused, and statements go on', async (t) => {
  const { finance } = await open(t);
  const largest = order(TOTAL_MAX_MINOR);
  const { transfer } = await finance.creditToAccount(largest);
  await assert.rejects(finance.creditToAccount(order(TOTAL_MAX_MINOR)), tooLarge);
  await assert.rejects(finance.creditToAccount(order(1n)), tooLarge, 'a small one, too');
  assert.deepEqual((await finance.creditToAccount(largest)).transfer, transfer, 'repeated');
  await finance.debitFromAccount(order(TOTAL_MAX_MINOR));
  const { creditedMinor, debitedMinor, transferCount } = await finance.getStatement({});
  assert.deepEqual(
    [creditedMinor, debitedMinor, transferCount],
    [TOTAL_MAX_MINOR, TOTAL_MAX_MINOR, 2n],
  );
});

test('of credits that come at once only as many are carried out as fit', async (t) => {
  const { finance } = await open(t);
  const half = TOTAL_MAX_MINOR / 2n + 1n;
  const calls = Array.from({ length: 8 }, () => finance.creditToAccount(order(half)));
  const settled = await Promise.allSettled(calls);
  const refused = settled.filter(({ status }) => status === 'rejected');
  assert.equal(refused.length, 7);
  assert.ok(refused.every((one) => tooLarge((one as PromiseRejectedResult).reason)));
  assert.equal((await finance.getStatement({})).creditedMinor, half);
});

test('an order that would overflow becomes a dead letter that says why', async (t) => {
  const { finance, sql } = await open(t);
  await finance.creditToAccount(order(TOTAL_MAX_MINOR));
  const link = links['COMM-080'];
  const handler = transferMoney;
  const receiver = new Receiver({ sql, link, log: silentLog, handler, limits: { maxAttempts: 1 } });
  const [receipt] = await receiver.receive([payout(5n)]);
  assert.equal(receipt!.outcome, 'dead');
  const [letter] = await sql`select reason, detail from relink.dead_letters`;
  assert.equal(letter!.reason, 'HANDLER_FAILED');
  assert.match(letter!.detail, /credits would sum to more than/);
  assert.equal((await finance.getStatement({})).transferCount, 1n);
});

function payout(amountMinor: bigint) {
  const [eventId, key] = [randomUUIDv7(), randomUUIDv7()];
  const at = '2026-01-01T00:00:00Z';
  const payload = {
    transfer_id: randomUUIDv7(),
    account_id: randomUUIDv7(),
    solution_id: key,
    amount_minor: String(amountMinor),
    requested_at: at,
  };
  const event = 'CreditToAccount';
  const text = JSON.stringify({
    event_id: eventId,
    event_version: 0,
    event_name: event,
    produced_at: at,
    payload,
  });
  const route = { epoch: 1n, source: 'bonuses', isShadow: false, isCopied: false };
  const rest = { eventVersion: 0, version: 1n, traceparent: undefined, text };
  return { link: 'COMM-080', eventId, event, key, ...route, ...rest };
}
