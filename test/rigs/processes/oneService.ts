/** finance as a real process on a database and a nats-server of the test, restarted when it ends. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { applyExpand } from '../../../db/schemaChanges.ts';
import { freePorts } from '../../../dev/ports.ts';
import { restartOnCrash } from '../../../dev/restartOnCrash.ts';
import { makeRunDir, PROJECT_DIR } from '../../../dev/servers/folders.ts';
import type { NatsServer } from '../../../dev/servers/nats.ts';
import { type Program, startProgram } from '../../../dev/servers/processes.ts';
import { FinanceService } from '../../../gen/finance/v1/finance_service_pb.ts';
import { createRpcClient, type RpcClient } from '../../../rpc/client.ts';
import { testNats } from '../../harness/nats.ts';
import type { Owner } from '../../harness/owner.ts';
import { type TestDatabase, testDatabase } from '../../harness/postgres.ts';

export const FINANCE = join(PROJECT_DIR, 'services', 'finance', 'main.ts');
const RESTART_PAUSE_MS = 10;
const template = {
  name: 'service_finance',
  fill: (url: string) => applyExpand(url, ['link', 'finance']),
};

export interface OneService {
  readonly program: Program;
  readonly database: TestDatabase;
  readonly nats: NatsServer;
  readonly client: RpcClient<typeof FinanceService>;
  /** What its supervisor said. */
  readonly said: readonly string[];
  /** Status and text of its `/readyz`. */
  readiness(): Promise<{ status: number; text: string }>;
}

export async function startOneService(
  t: Owner,
  nodeArguments: readonly string[] = [],
): Promise<OneService> {
  const nats = await testNats(t);
  const database = await testDatabase(t, template);
  const dir = await makeRunDir('one-service');
  const [port, httpPort] = (await freePorts(2)) as [number, number];
  const said: string[] = [];
  const restarter = restartOnCrash({
    say: (line) => said.push(line),
    firstPauseMs: RESTART_PAUSE_MS,
  });
  const readyUrl = `http://127.0.0.1:${httpPort}/readyz`;
  const program = await startProgram({
    ...{ name: 'finance-1', main: FINANCE, readyUrl, nodeArguments },
    env: {
      RELINK_POSTGRES_URL: database.url,
      RELINK_NATS_URL: nats.url,
      RELINK_PORT: String(port),
      RELINK_HTTP_PORT: String(httpPort),
      RELINK_LOG_LEVEL: 'warn',
    },
    logFile: join(dir, 'log'),
    onUnexpectedEnd: restarter.onUnexpectedEnd,
  });
  const client = createRpcClient(FinanceService, [`127.0.0.1:${port}`]);
  t.after(async () => {
    client.close();
    await restarter.stop();
    await program.stop();
    await rm(dir, { recursive: true });
  });
  const readiness = async () => {
    const answer = await fetch(readyUrl);
    return { status: answer.status, text: await answer.text() };
  };
  return { program, database, nats, client, said, readiness };
}
