/** What callers of finance meet, over real gRPC and a real database. */

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { RpcCallError } from 'relink/rpc';
import { open } from './finance.fixture.ts';

const order = () => ({ idempotencyKey: randomUUID(), accountId: randomUUID(), amountMinor: 5n });
const failsWith = (code: string) => (error: unknown) =>
  error instanceof RpcCallError && error.code === code;

test('finance told to fail refuses orders without moving money', async (t) => {
  const { finance } = await open(t);
  await finance.setBehaviour({ behaviour: { failPercent: 100 } });
  const wanted = order();
  await assert.rejects(finance.creditToAccount(wanted), failsWith('UNAVAILABLE'));
  const { transferCount } = await finance.getStatement({ accountId: wanted.accountId });
  assert.equal(transferCount, 0n);
});

test('finance told to time out moves money and lets the deadline pass; the order repeated counts once', async (t) => {
  const { finance } = await open(t);
  await finance.setBehaviour({ behaviour: { timeOutPercent: 100 } });
  const wanted = order();
  await assert.rejects(
    finance.creditToAccount(wanted, { deadlineMs: 400 }),
    failsWith('DEADLINE_EXCEEDED'),
  );
  await finance.setBehaviour({});
  const { transfer } = await finance.creditToAccount(wanted);
  const statement = await finance.getStatement({ accountId: wanted.accountId });
  assert.deepEqual(statement.transfers, [transfer]);
  assert.deepEqual([statement.creditedMinor, statement.debitedMinor], [5n, 0n]);
});

test('finance told to be slow waits before it moves money', async (t) => {
  const { finance } = await open(t);
  await finance.setBehaviour({ behaviour: { delayMs: 120 } });
  const startedMs = performance.now();
  await finance.debitFromAccount(order());
  assert.ok(performance.now() - startedMs >= 119);
  await finance.setBehaviour({});
});

test('finance cannot be told to misbehave in production', async (t) => {
  const { finance } = await open(t, { isProduction: true });
  await assert.rejects(
    finance.setBehaviour({ behaviour: { failPercent: 100 } }),
    (error: unknown) => error instanceof RpcCallError && error.reason === 'NOT_IN_PRODUCTION',
  );
});
