/** Transfers in PostgreSQL: append-only, an order counts once. */

import { and, eq, getColumns, gt, type SQL, sql } from 'drizzle-orm';
import type { Database, Transaction } from 'relink';
import { drizzle } from 'relink/runtime';
import { isLargeTransfer, LARGE_MINOR, transfers } from '../../../db/finance/tables.ts';
import type { Page } from '../../paging.ts';
import { TOTAL_MAX_MINOR, TotalTooLarge, type Transfer } from '../domain/transfer.ts';

/** A transfer as it is selected; `seq` only orders them. */
const { seq, ...columns } = getColumns(transfers);

/** Of the advisory lock under which totals are compared with their limit. */
const TOTALS_LOCK = 7_070_003;
/** Of 2^62 minor units, smaller transfers would fill more rows than a disk holds. */
const LARGE_SUM_MAX_MINOR = 2n ** 62n;

/**
 * Carries out an order; answers false when its idempotency key was used before.
 *
 * No total may outgrow the int8 of a statement. Adding up every transfer for each would be slow, and a
 * running total would make all of them queue. So only large ones, which are few and have an index, are
 * added up; the exact total is looked at, by one transfer at a time, when these come near the limit.
 * @throws TotalTooLarge
 */
export async function insertTransfer(tx: Transaction, transfer: Transfer): Promise<boolean> {
  const { kind, amountMinor } = transfer;
  const isNear = amountMinor >= LARGE_MINOR || (await isNearLimit(tx, kind));
  const [, isNew, becameNear] = await Promise.all([
    lockTotals(tx, isNear),
    insertNew(tx, transfer),
    isNearLimit(tx, kind),
  ]);
  if (!isNew) return false;
  // A large one came just before the lock was ours. Waiting to be alone now could be a deadlock.
  if (becameNear && !isNear) throw new TotalTooLarge(kind);
  if (isNear) await refuseTooLarge(tx, kind);
  return true;
}

async function insertNew(tx: Transaction, transfer: Transfer): Promise<boolean> {
  const rows = await drizzle(tx)
    .insert(transfers)
    .values(transfer)
    .onConflictDoNothing({ target: transfers.idempotencyKey })
    .returning({ id: transfers.id });
  return rows.length === 1;
}

/** Held to the end of the transaction: one that must be alone waits for the others, and they for it. */
function lockTotals(tx: Transaction, isAlone: boolean): Promise<unknown> {
  return isAlone
    ? tx`select pg_advisory_xact_lock(${TOTALS_LOCK})`
    : tx`select pg_advisory_xact_lock_shared(${TOTALS_LOCK})`;
}

async function isNearLimit(tx: Transaction, kind: Transfer['kind']): Promise<boolean> {
  const isOfKind = and(eq(transfers.kind, kind), isLargeTransfer);
  return (await sumOf(tx, isOfKind)) > LARGE_SUM_MAX_MINOR;
}

async function refuseTooLarge(tx: Transaction, kind: Transfer['kind']): Promise<void> {
  const total = await sumOf(tx, eq(transfers.kind, kind));
  if (total > TOTAL_MAX_MINOR) throw new TotalTooLarge(kind);
}

async function sumOf(tx: Transaction, wanted: SQL | undefined): Promise<bigint> {
  const [row] = await drizzle(tx).select({ sum: exactSum }).from(transfers).where(wanted);
  return BigInt(row!.sum);
}

/** As text: it may be above int8. */
const exactSum = sql<string>`coalesce(sum(${transfers.amountMinor}), 0)::text`;

/** What an order with this idempotency key did. */
export async function findTransfer(
  tx: Transaction | Database,
  idempotencyKey: string,
): Promise<Transfer | undefined> {
  const [transfer] = await drizzle(tx)
    .select(columns)
    .from(transfers)
    .where(eq(transfers.idempotencyKey, idempotencyKey));
  return transfer;
}

/** Which transfers are asked for; absent: all. */
export interface Wanted {
  readonly accountId?: string | undefined;
  readonly link?: string | undefined;
}

function isWanted({ accountId, link }: Wanted): SQL | undefined {
  return and(
    accountId === undefined ? undefined : eq(transfers.accountId, accountId),
    link === undefined ? undefined : eq(transfers.link, link),
  );
}

/** Transfers in the order they were made in. */
export async function listTransfers(
  sql: Database,
  wanted: Wanted,
  { after, limit }: Page<bigint>,
): Promise<(Transfer & { seq: bigint })[]> {
  return drizzle(sql)
    .select({ seq, ...columns })
    .from(transfers)
    .where(and(gt(seq, after), isWanted(wanted)))
    .orderBy(seq)
    .limit(limit);
}

export interface Totals {
  readonly transferCount: bigint;
  readonly creditedMinor: bigint;
  readonly debitedMinor: bigint;
}

/** What the transfers that are asked for sum to. */
export async function sumTransfers(database: Database, wanted: Wanted): Promise<Totals> {
  const [totals] = await drizzle(database)
    .select({
      transferCount: sql<bigint>`count(*)`,
      creditedMinor: totalOf('credit'),
      debitedMinor: totalOf('debit'),
    })
    .from(transfers)
    .where(isWanted(wanted));
  return totals!;
}

function totalOf(kind: Transfer['kind']): SQL<bigint> {
  const { kind: column, amountMinor } = transfers;
  return sql`coalesce(sum(${amountMinor}) filter (where ${column} = ${kind}), 0)::int8`;
}
