/** What callers of finance meet, over real gRPC and a real database. */

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { type TestContext, test } from 'node:test';
import { createRpcClient, createRpcServer, RpcCallError, type RpcClient, serve } from 'relink/rpc';
import { closePostgres, connectPostgres } from 'relink/runtime';
import { applyExpand } from '../../../db/schemaChanges.ts';
import { FinanceService } from '../../../gen/finance/v1/finance_service_pb.ts';
import { testDatabase } from '../../../test/harness/postgres.ts';
import { readBehaviour } from '../store/behaviour.ts';
import { financeHandlers } from './finance.ts';
import { misbehaving } from './misbehave.ts';

const template = {
  name: 'service_finance',
  fill: (url: string) => applyExpand(url, ['link', 'finance']),
};

async function open(
  t: TestContext,
  { isProduction = false } = {},
): Promise<RpcClient<typeof FinanceService>> {
  const { url } = await testDatabase(t, template);
  const sql = connectPostgres(url, { name: 'test' });
  t.after(() => closePostgres(sql));
  const served = serve(FinanceService, financeHandlers({ sql, isProduction }));
  const services = [misbehaving(served, () => readBehaviour(sql))];
  const server = createRpcServer({ host: '127.0.0.1', port: 0, services, stopLimitMs: 100 });
  await server.start();
  t.after(() => server.stop());
  const finance = createRpcClient(FinanceService, `127.0.0.1:${server.port()}`);
  t.after(() => finance.close());
  return finance;
}

const order = () => ({ idempotencyKey: randomUUID(), accountId: randomUUID(), amountMinor: 5n });
const failsWith = (code: string) => (error: unknown) =>
  error instanceof RpcCallError && error.code === code;

test('finance told to fail refuses orders without moving money', async (t) => {
  const finance = await open(t);
  await finance.setBehaviour({ behaviour: { failPercent: 100 } });
  const wanted = order();
  await assert.rejects(finance.creditToAccount(wanted), failsWith('UNAVAILABLE'));
  const { transferCount } = await finance.getStatement({ accountId: wanted.accountId });
  assert.equal(transferCount, 0n);
});

test('finance told to time out moves money and lets the deadline pass; the order repeated counts once', async (t) => {
  const finance = await open(t);
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
  const finance = await open(t);
  await finance.setBehaviour({ behaviour: { delayMs: 120 } });
  const startedMs = performance.now();
  await finance.debitFromAccount(order());
  assert.ok(performance.now() - startedMs >= 119);
  await finance.setBehaviour({});
});

test('finance cannot be told to misbehave in production', async (t) => {
  const finance = await open(t, { isProduction: true });
  await assert.rejects(
    finance.setBehaviour({ behaviour: { failPercent: 100 } }),
    (error: unknown) => error instanceof RpcCallError && error.reason === 'NOT_IN_PRODUCTION',
  );
});
