/** Transfers in PostgreSQL: append-only, an order counts once. */

import { and, eq, getColumns, gt, type SQL, sql } from 'drizzle-orm';
import type { Database, Transaction } from 'relink';
import { drizzle } from 'relink/runtime';
import { transfers } from '../../../db/finance/tables.ts';
import type { Page } from '../../paging.ts';
import type { Transfer } from '../domain/transfer.ts';

/** A transfer as it is selected; `seq` only orders them. */
const { seq, ...columns } = getColumns(transfers);

/** Carries out an order; answers false when its idempotency key was used before. */
export async function insertTransfer(
  tx: Transaction | Database,
  transfer: Transfer,
): Promise<boolean> {
  const rows = await drizzle(tx)
    .insert(transfers)
    .values(transfer)
    .onConflictDoNothing({ target: transfers.idempotencyKey })
    .returning({ id: transfers.id });
  return rows.length === 1;
}

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
      creditedMinor: sumOf('credit'),
      debitedMinor: sumOf('debit'),
    })
    .from(transfers)
    .where(isWanted(wanted));
  return totals!;
}

function sumOf(kind: Transfer['kind']): SQL<bigint> {
  const { kind: column, amountMinor } = transfers;
  return sql`coalesce(sum(${amountMinor}) filter (where ${column} = ${kind}), 0)::int8`;
}
