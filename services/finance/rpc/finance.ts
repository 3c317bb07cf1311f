/** The API of finance: an order counts once, by its idempotency key. */
import { randomUUIDv7 } from 'node:crypto';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import type { Database } from 'relink';
import { type Handlers, RpcError, readPage } from 'relink/rpc';
import {
  type FinanceService,
  type GetStatementRequest,
  TransferKind,
  TransferSchema,
} from '../../../gen/finance/v1/finance_service_pb.ts';
import { pageBySeq, tokenOf } from '../../paging.ts';
import type { ServiceContext } from '../../service.ts';
import { WELL } from '../domain/behaviour.ts';
import { isSameOrder, TotalTooLarge, type Transfer } from '../domain/transfer.ts';
import { readBehaviour, saveBehaviour } from '../store/behaviour.ts';
import { findTransfer, insertTransfer, listTransfers, sumTransfers } from '../store/transfers.ts';
import { notInProduction, totalTooLarge } from './reasons.ts';

interface FinanceContext extends Pick<ServiceContext, 'sql'> {
  readonly isProduction: boolean;
}

export function financeHandlers({
  sql,
  isProduction,
}: FinanceContext): Handlers<typeof FinanceService> {
  return {
    creditToAccount: async (order) => ({ transfer: await moveMoney(sql, 'credit', order) }),
    debitFromAccount: async (order) => ({ transfer: await moveMoney(sql, 'debit', order) }),
    getStatement: (request) => getStatement(sql, request),
    setBehaviour: async ({ behaviour = WELL }) => {
      if (isProduction) throw notInProduction();
      await saveBehaviour(sql, behaviour);
      return { behaviour: await readBehaviour(sql) };
    },
  };
}

async function moveMoney(
  sql: Database,
  kind: Transfer['kind'],
  order: { idempotencyKey: string; accountId: string; amountMinor: bigint },
) {
  const { idempotencyKey, amountMinor } = order;
  const wanted: Transfer = {
    id: randomUUIDv7(),
    idempotencyKey,
    kind,
    accountId: order.accountId.toLowerCase(),
    amountMinor,
    link: '',
    madeAt: new Date(),
  };
  if (await carryOut(sql, wanted)) return toWire(wanted);
  const transfer = await findTransfer(sql, idempotencyKey);
  if (transfer && isSameOrder(transfer, wanted)) return toWire(transfer);
  const what = 'this idempotency_key was used for another order';
  throw new RpcError('ALREADY_EXISTS', 'ID_TAKEN', what);
}

async function carryOut(sql: Database, wanted: Transfer): Promise<boolean> {
  try {
    return (await sql.begin((tx) => insertTransfer(tx, wanted))) as boolean;
  } catch (error) {
    throw error instanceof TotalTooLarge ? totalTooLarge(error) : error;
  }
}

async function getStatement(sql: Database, request: GetStatementRequest) {
  const wanted = { accountId: request.accountId, link: request.link };
  const { entries, next } = await readPage({
    ...pageBySeq(request),
    read: (page) => listTransfers(sql, wanted, page),
    keyOf: ({ seq }) => seq,
    entry: TransferSchema,
    toWire,
  });
  return {
    transfers: entries,
    nextPageToken: tokenOf(next),
    ...(await sumTransfers(sql, wanted)),
  };
}

function toWire(transfer: Transfer) {
  const { id, kind, accountId, amountMinor, idempotencyKey, link, madeAt } = transfer;
  return {
    transferId: id,
    kind: kind === 'credit' ? TransferKind.CREDIT : TransferKind.DEBIT,
    accountId,
    amountMinor,
    idempotencyKey,
    link,
    madeAt: timestampFromDate(madeAt),
  };
}
