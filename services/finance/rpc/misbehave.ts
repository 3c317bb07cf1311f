/**
 * Fault injection for every method that moves money: it fails, waits, or commits without answering, as
 * configured. It acts on calls, so that callers see what they would see in the world: a gRPC error, or
 * a deadline that passes although the money was moved.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { type RpcContext, RpcError, type ServedService } from 'relink/rpc';
import { FinanceService } from '../../../gen/finance/v1/finance_service_pb.ts';
import { FinanceLinks } from '../../../gen/finance/v1/links_pb.ts';
import { type Behaviour, fateOf } from '../domain/behaviour.ts';

/** Longer than any caller waits: link calls give up after 12 s. */
const BEYOND_EVERY_DEADLINE_MS = 15_000;
const MOVES_MONEY = new Set<unknown>([
  FinanceLinks.method.transferMoney,
  FinanceService.method.creditToAccount,
  FinanceService.method.debitFromAccount,
]);

type Method = (request: unknown, context: RpcContext) => Promise<unknown>;

/** The same service; methods that move money behave as `read` returns at each call. */
export function misbehaving(served: ServedService, read: () => Promise<Behaviour>): ServedService {
  const handlers = Object.entries(served.handlers).map(([name, handler]) => {
    const isMeant = MOVES_MONEY.has(served.service.method[name]);
    return [name, isMeant ? injectFaults(handler as Method, read) : handler];
  });
  return { ...served, handlers: Object.fromEntries(handlers) };
}

function injectFaults(handle: Method, read: () => Promise<Behaviour>): Method {
  return async (request, context) => {
    const fate = fateOf(await read(), Math.random(), Math.random());
    if (fate.delayMs > 0) await pause(fate.delayMs);
    if (fate.isRefused)
      throw new RpcError(
        'UNAVAILABLE',
        'UNAVAILABLE',
        'fault injection: finance refuses some orders',
      );
    const answer = await handle(request, context);
    if (fate.isAnsweredLate) await outlast(context.signal);
    return answer;
  };
}

/** Until the caller has given up. */
async function outlast(signal: AbortSignal): Promise<void> {
  try {
    await pause(BEYOND_EVERY_DEADLINE_MS, undefined, { signal });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
