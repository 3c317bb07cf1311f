/** The ledger in PostgreSQL: bookings and entries are only ever added. */
import type { Database, Transaction } from 'relink';
import type { Page } from '../../paging.ts';
import { accountOf, type Booking, entriesOf } from '../domain/booking.ts';

/** Writes a booking and both its entries. A solution is credited once and debited once. */
export async function insertBooking(tx: Transaction, booking: Booking): Promise<void> {
  const { id, kind, solutionId, assessmentId, managerId, amountMinor, rating, bookedAt } = booking;
  const entries = entriesOf(booking);
  await Promise.all([
    tx`
      insert into bookings (id, kind, solution_id, assessment_id, manager_id, amount_minor, rating,
        rating_version, booked_at)
      values (${id}, ${kind}, ${solutionId}, ${assessmentId}, ${managerId}, ${amountMinor},
        ${rating.rating}, ${rating.version}, ${bookedAt.toISOString()})`,
    tx`
      insert into ledger_entries (booking_id, account, amount_minor)
      select ${id}::uuid, * from unnest(${entries.map((one) => one.account)}::text[],
        ${entries.map((one) => String(one.amountMinor))}::text[]::int8[])`,
  ]);
}

/** The credit of a solution. */
export async function findCredit(
  tx: Transaction,
  solutionId: string,
): Promise<Booking | undefined> {
  const [row] = await tx<BookingRow[]>`
    select id, seq, kind, solution_id, assessment_id, manager_id, amount_minor, rating,
      rating_version, booked_at::text as booked_at
    from bookings where solution_id = ${solutionId} and kind = 'credit'`;
  return row && bookingOf(row);
}

/** A manager's bookings in the order they were made in. */
export async function listBookings(
  sql: Database,
  managerId: string,
  { after, limit }: Page<bigint>,
): Promise<(Booking & { seq: bigint })[]> {
  const rows = await sql<BookingRow[]>`
    select id, seq, kind, solution_id, assessment_id, manager_id, amount_minor, rating,
      rating_version, booked_at::text as booked_at
    from bookings where manager_id = ${managerId} and seq > ${after} order by seq limit ${limit}`;
  return rows.map((row) => ({ ...bookingOf(row), seq: row.seq }));
}

export interface Balance {
  readonly balanceMinor: bigint;
  readonly creditedMinor: bigint;
  readonly debitedMinor: bigint;
  readonly entries: number;
}

/** What a manager's account holds. */
export async function readBalance(sql: Database, managerId: string): Promise<Balance> {
  const [row] = await sql<Balance[]>`
    select coalesce(sum(amount_minor), 0)::int8 as "balanceMinor",
      coalesce(sum(amount_minor) filter (where amount_minor > 0), 0)::int8 as "creditedMinor",
      coalesce(-sum(amount_minor) filter (where amount_minor < 0), 0)::int8 as "debitedMinor",
      count(*)::int as entries
    from ledger_entries where account = ${accountOf(managerId)}`;
  return { ...row! };
}

interface BookingRow {
  id: string;
  seq: bigint;
  kind: Booking['kind'];
  solution_id: string;
  assessment_id: string;
  manager_id: string;
  amount_minor: bigint;
  rating: number;
  rating_version: bigint;
  booked_at: string;
}

function bookingOf(row: BookingRow): Booking {
  return {
    id: row.id,
    kind: row.kind,
    solutionId: row.solution_id,
    assessmentId: row.assessment_id,
    managerId: row.manager_id,
    amountMinor: row.amount_minor,
    rating: { rating: row.rating, version: row.rating_version },
    bookedAt: new Date(row.booked_at),
  };
}
