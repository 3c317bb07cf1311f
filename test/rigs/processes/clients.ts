/** A client of each public API of the company, and what to expect of their answers. */
import type { DescService } from '@bufbuild/protobuf';
import type { StackAddresses } from '../../../dev/stack.ts';
import { AssessmentsService } from '../../../gen/assessments/v1/assessments_service_pb.ts';
import { BonusesService } from '../../../gen/bonuses/v1/bonuses_service_pb.ts';
import { FinanceService } from '../../../gen/finance/v1/finance_service_pb.ts';
import { HiringService } from '../../../gen/hiring/v1/hiring_service_pb.ts';
import { ManagementService } from '../../../gen/management/v1/management_service_pb.ts';
import { createRpcClient, RpcCallError, type RpcClient } from '../../../rpc/client.ts';
import { until } from '../../harness/until.ts';

/** What another service said arrives within this time, on a slow machine too. */
export const ARRIVES = { withinMs: 60_000, everyMs: 50 };
/** Of a call that need not hurry: a first one connects, and a busy machine answers late. */
export const CALM = { deadlineMs: 60_000 };

export interface ServiceClients {
  readonly assessments: RpcClient<typeof AssessmentsService>;
  readonly hiring: RpcClient<typeof HiringService>;
  readonly management: RpcClient<typeof ManagementService>;
  readonly bonuses: RpcClient<typeof BonusesService>;
  readonly finance: RpcClient<typeof FinanceService>;
}

/** A client of each service's public API; it connects when it is first used. */
export function openClients({ services }: Pick<StackAddresses, 'services'>): ServiceClients {
  const open = <S extends DescService>(service: S, name: string) =>
    createRpcClient(
      service,
      services[name]!.map(({ grpc }) => grpc),
      CALM,
    );
  return {
    assessments: open(AssessmentsService, 'assessments'),
    hiring: open(HiringService, 'hiring'),
    management: open(ManagementService, 'management'),
    bonuses: open(BonusesService, 'bonuses'),
    finance: open(FinanceService, 'finance'),
  };
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
