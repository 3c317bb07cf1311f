/** Reconciliation: is every cent of the ledger accounted for, here and at finance? */

import type { Database } from 'relink';
import { RpcCallError, type RpcClient } from 'relink/rpc';
import {
  type FinanceService,
  type Transfer,
  TransferKind,
} from '../../../gen/finance/v1/finance_service_pb.ts';
import { compareWithFinance, type Moved } from '../domain/reconciliation.ts';
import { findBookings, type LedgerState, readLedger } from '../store/reconciliation.ts';

export type AskFinance = Pick<RpcClient<typeof FinanceService>, 'getStatement'>;

const PAGE = 1_000;
const PAGE_DEADLINE_MS = 5_000;
/** A person reads them; a ledger that is wrong from one day on is wrong in every booking after. */
const MAX_PROBLEMS = 50;

export async function reconcile(sql: Database, finance: AskFinance) {
  const { payouts, unbalanced, unmatchedDebits, ...sums } = await readLedger(sql);
  const problems = ledgerProblems({ ...sums, unbalanced, unmatchedDebits });
  const moved = await listMoved(finance).catch(unlessAway);
  if (moved) problems.push(...(await financeProblems(sql, payouts, moved)));
  else problems.push('finance does not answer, so what it moved is unknown; try again later');
  return {
    ok: problems.length === 0,
    problems: problems.slice(0, MAX_PROBLEMS),
    ...sums,
    openPayouts: BigInt(payouts.filter(({ isOpen }) => isOpen).length),
    ...(moved && { finance: totalsOf(moved) }),
  };
}

function ledgerProblems(ledger: Omit<LedgerState, 'payouts'>): string[] {
  const { ledgerSumMinor, unbalanced, unmatchedDebits } = ledger;
  const problems: string[] = [];
  if (ledgerSumMinor !== 0n) problems.push(`the ledger sums to ${ledgerSumMinor}, not to 0`);
  if (unbalanced > 0) problems.push(`${unbalanced} bookings lack their two entries`);
  if (unmatchedDebits > 0)
    problems.push(`${unmatchedDebits} debits take back something else than what was credited`);
  return problems;
}

async function financeProblems(
  sql: Database,
  payouts: LedgerState['payouts'],
  moved: readonly Moved[],
): Promise<string[]> {
  const { problems, unordered } = compareWithFinance(payouts, moved);
  const bookedSince = await findBookings(sql, unordered);
  const strange = unordered.filter((id) => !bookedSince.has(id));
  return [...problems, ...strange.map((id) => `finance moved money for no booking: ${id}`)];
}

/** Everything that finance moved by order of this service. */
async function listMoved(finance: AskFinance): Promise<Moved[]> {
  const moved: Moved[] = [];
  let pageToken = '';
  do {
    const page = await finance.getStatement(
      { link: 'COMM-080', pageSize: PAGE, pageToken },
      { deadlineMs: PAGE_DEADLINE_MS, retryUnavailable: true },
    );
    moved.push(...page.transfers.map(movedOf));
    pageToken = page.nextPageToken;
  } while (pageToken !== '');
  return moved;
}

function movedOf({ transferId: id, kind, accountId, amountMinor }: Transfer): Moved {
  return { id, kind: kind === TransferKind.CREDIT ? 'credit' : 'debit', accountId, amountMinor };
}

function unlessAway(error: unknown): undefined {
  if (error instanceof RpcCallError && error.outcome === 'unknown') return undefined;
  throw error;
}

function totalsOf(moved: readonly Moved[]) {
  const sumOf = (kind: Moved['kind']) =>
    moved.reduce((sum, one) => (one.kind === kind ? sum + one.amountMinor : sum), 0n);
  return {
    transfers: BigInt(moved.length),
    creditedMinor: sumOf('credit'),
    debitedMinor: sumOf('debit'),
  };
}
