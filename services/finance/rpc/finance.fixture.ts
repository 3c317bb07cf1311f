/** Finance over real gRPC and a real database. */
import type { TestContext } from 'node:test';
import type { Database } from 'relink';
import { createRpcClient, createRpcServer, type RpcClient, serve } from 'relink/rpc';
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

export async function open(
  t: TestContext,
  { isProduction = false } = {},
): Promise<{ finance: RpcClient<typeof FinanceService>; sql: Database }> {
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
  return { finance, sql };
}
