/** The whole company as processes, and a client of each of its public APIs. */
import { join } from 'node:path';
import type { DescService } from '@bufbuild/protobuf';
import { freeStackPorts } from '../../dev/ports.ts';
import { cleanUpAll } from '../../dev/servers/errors.ts';
import { makeRunDir } from '../../dev/servers/folders.ts';
import { NOT_DURABLE } from '../../dev/servers/postgres.ts';
import { type Stack, startStack } from '../../dev/stack.ts';
import { AssessmentsService } from '../../gen/assessments/v1/assessments_service_pb.ts';
import { BonusesService } from '../../gen/bonuses/v1/bonuses_service_pb.ts';
import { FinanceService } from '../../gen/finance/v1/finance_service_pb.ts';
import { HiringService } from '../../gen/hiring/v1/hiring_service_pb.ts';
import { ManagementService } from '../../gen/management/v1/management_service_pb.ts';
import { createRpcClient, RpcCallError, type RpcClient } from '../../rpc/client.ts';
import { removeUnlessKept } from '../harness/keeping.ts';
import { until } from '../harness/until.ts';

/** What another service said arrives within this time, on a slow machine too. */
export const ARRIVES = { withinMs: 60_000, everyMs: 50 };

/** Of a call that need not hurry: a first one connects, and other programs are busy. */
const DEADLINE_MS = 60_000;

export interface Site {
  readonly stack: Stack;
  readonly assessments: RpcClient<typeof AssessmentsService>;
  readonly hiring: RpcClient<typeof HiringService>;
  readonly management: RpcClient<typeof ManagementService>;
  readonly bonuses: RpcClient<typeof BonusesService>;
  readonly finance: RpcClient<typeof FinanceService>;
  stop(): Promise<void>;
}

export async function openSite(env: Record<string, string> = {}): Promise<Site> {
  const dir = await makeRunDir('test-business');
  const stack = await startStack({
    dataDir: join(dir, 'data'),
    ports: await freeStackPorts(),
    env: { RELINK_LOG_LEVEL: 'warn', ...env },
    postgresSettings: NOT_DURABLE,
  });
  const open = <S extends DescService>(service: S, name: string) => {
    const addresses = stack.addresses.services[name]!.map(({ grpc }) => grpc);
    return createRpcClient(service, addresses, { deadlineMs: DEADLINE_MS });
  };
  const clients = {
    assessments: open(AssessmentsService, 'assessments'),
    hiring: open(HiringService, 'hiring'),
    management: open(ManagementService, 'management'),
    bonuses: open(BonusesService, 'bonuses'),
    finance: open(FinanceService, 'finance'),
  };
  const stop = () =>
    cleanUpAll('company of the test', [
      ...Object.values(clients).map((client) => () => client.close()),
      () => stack.stop(),
      () => removeUnlessKept(dir),
    ]);
  return { stack, ...clients, stop };
}

/** Waits until the call is answered: what it asks for is on its way from another service. */
export function arrives<T extends object>(call: () => Promise<T>, what: string): Promise<T> {
  const answered = async () => {
    try {
      return await call();
    } catch (error) {
      if (isRefusal('NOT_FOUND')(error)) return undefined;
      throw error;
    }
  };
  return until(answered, { ...ARRIVES, what }) as Promise<T>;
}

/** Whether a call was refused so, and for this reason where one is given. */
export function isRefusal(code: RpcCallError['code'], reason?: string) {
  return (error: unknown) =>
    error instanceof RpcCallError &&
    error.code === code &&
    (reason === undefined || error.reason === reason);
}
