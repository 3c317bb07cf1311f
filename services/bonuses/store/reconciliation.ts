/**
 * The ledger and the open payouts as they are at one moment: SQL, since each statement adds up or
 * compares whole tables, and the payouts are read beside the link kit's outbox.
 */
import type { Database, Transaction } from 'relink';
import { drizzle, isOneOf } from 'relink/runtime';
import { bookings } from '../../../db/bonuses/tables.ts';
import { COMPANY_ACCOUNT } from '../domain/booking.ts';
import type { Payout } from '../domain/reconciliation.ts';

export interface LedgerState {
  readonly bookings: bigint;
  readonly ledgerSumMinor: bigint;
  readonly creditedMinor: bigint;
  readonly debitedMinor: bigint;
  /** Bookings whose entries are not the two that they should have. */
  readonly unbalanced: number;
  /** Debits that take back something else than what was credited. */
  readonly unmatchedDebits: number;
  readonly payouts: readonly Payout[];
}

/** Everything in one snapshot: a payout is seen as open or confirmed, never as both or neither. */
export async function readLedger(sql: Database): Promise<LedgerState> {
  return sql.begin('isolation level repeatable read read only', async (tx) => ({
    ...(await readSums(tx)),
    ...(await readFaults(tx)),
    payouts: await readPayouts(tx),
  })) as Promise<LedgerState>;
}

/** Which of these bookings exist by now. */
export async function findBookings(sql: Database, ids: readonly string[]): Promise<Set<string>> {
  const { id } = bookings;
  const rows = await drizzle(sql).select({ id }).from(bookings).where(isOneOf(id, ids));
  return new Set(rows.map((row) => row.id));
}

async function readSums(tx: Transaction) {
  const [row] = await tx<{ bookings: bigint; sum: bigint; credited: bigint; debited: bigint }[]>`
    select (select count(*) from bookings) as bookings,
      coalesce(sum(amount_minor), 0)::int8 as sum,
      coalesce(sum(amount_minor) filter (
        where amount_minor > 0 and account <> ${COMPANY_ACCOUNT}), 0)::int8 as credited,
      coalesce(-sum(amount_minor) filter (
        where amount_minor < 0 and account <> ${COMPANY_ACCOUNT}), 0)::int8 as debited
    from ledger_entries`;
  const { bookings, sum, credited, debited } = row!;
  return { bookings, ledgerSumMinor: sum, creditedMinor: credited, debitedMinor: debited };
}

async function readFaults(tx: Transaction) {
  const [row] = await tx<{ unbalanced: number; unmatched: number }[]>`
    select
      (select count(*)::int from bookings b where (
        select array_agg(account || ' ' || amount_minor order by account)
        from ledger_entries where booking_id = b.id
      ) is distinct from array[
        ${COMPANY_ACCOUNT}::text || ' ' || case kind when 'credit' then -amount_minor
          else amount_minor end,
        'manager:' || manager_id || ' ' || case kind when 'credit' then amount_minor
          else -amount_minor end
      ]) as unbalanced,
      (select count(*)::int from bookings d where kind = 'debit' and not exists (
        select from bookings c where c.solution_id = d.solution_id and c.kind = 'credit'
          and c.amount_minor = d.amount_minor and c.manager_id = d.manager_id)) as unmatched`;
  return { unbalanced: row!.unbalanced, unmatchedDebits: row!.unmatched };
}

/** A payout is open while its outbox row is there: see domain/booking.ts for the versions. */
async function readPayouts(tx: Transaction): Promise<Payout[]> {
  const rows = await tx<PayoutRow[]>`
    select b.id, b.kind, b.manager_id, b.amount_minor, o.key is not null as is_open
    from bookings b
    left join relink.outbox o on o.leg = 'COMM-080/finance' and o.key = b.solution_id::text
      and o.version = case b.kind when 'credit' then 1 else 2 end
    where b.amount_minor > 0`;
  return rows.map((row) => ({
    id: row.id,
    kind: row.kind,
    accountId: row.manager_id,
    amountMinor: row.amount_minor,
    isOpen: row.is_open,
  }));
}

interface PayoutRow {
  id: string;
  kind: Payout['kind'];
  manager_id: string;
  amount_minor: bigint;
  is_open: boolean;
}
