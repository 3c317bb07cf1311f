/** The ledger in PostgreSQL: bookings and entries are only ever added. */

import { and, eq, getColumns, gt } from 'drizzle-orm';
import type { Database, Transaction } from 'relink';
import { drizzle } from 'relink/runtime';
import { bookings, ledgerEntries } from '../../../db/bonuses/tables.ts';
import type { Page } from '../../paging.ts';
import { accountOf, type Booking, entriesOf } from '../domain/booking.ts';

/** A booking as it is selected; `seq` only orders them. */
const { seq, rating, ratingVersion, ...plain } = getColumns(bookings);
const columns = { ...plain, rating: { rating, version: ratingVersion } };

/** Writes a booking and both its entries. A solution is credited once and debited once. */
export async function insertBooking(tx: Transaction, booking: Booking): Promise<void> {
  const { rating, version: ratingVersion } = booking.rating;
  const entries = entriesOf(booking).map((entry) => ({ ...entry, bookingId: booking.id }));
  await Promise.all([
    drizzle(tx)
      .insert(bookings)
      .values({ ...booking, rating, ratingVersion }),
    drizzle(tx).insert(ledgerEntries).values(entries),
  ]);
}

/** The credit of a solution. */
export async function findCredit(
  tx: Transaction,
  solutionId: string,
): Promise<Booking | undefined> {
  const [booking] = await drizzle(tx)
    .select(columns)
    .from(bookings)
    .where(and(eq(bookings.solutionId, solutionId), eq(bookings.kind, 'credit')));
  return booking;
}

/** A manager's bookings in the order they were made in. */
export async function listBookings(
  sql: Database,
  managerId: string,
  { after, limit }: Page<bigint>,
): Promise<(Booking & { seq: bigint })[]> {
  return drizzle(sql)
    .select({ seq, ...columns })
    .from(bookings)
    .where(and(eq(bookings.managerId, managerId), gt(seq, after)))
    .orderBy(seq)
    .limit(limit);
}

export interface Balance {
  readonly balanceMinor: bigint;
  readonly creditedMinor: bigint;
  readonly debitedMinor: bigint;
  readonly entries: number;
}

/** What a manager's account holds. SQL: drizzle has no word for sums with a filter. */
export async function readBalance(sql: Database, managerId: string): Promise<Balance> {
  const [row] = await sql<Balance[]>`
    select coalesce(sum(amount_minor), 0)::int8 as "balanceMinor",
      coalesce(sum(amount_minor) filter (where amount_minor > 0), 0)::int8 as "creditedMinor",
      coalesce(-sum(amount_minor) filter (where amount_minor < 0), 0)::int8 as "debitedMinor",
      count(*)::int as entries
    from ledger_entries where account = ${accountOf(managerId)}`;
  return { ...row! };
}
