/** The tables that the bonuses service owns. */
import { sql } from 'drizzle-orm';
import {
  bigint,
  check,
  index,
  integer,
  pgTable,
  primaryKey,
  text,
  timestamp,
  unique,
  uuid,
} from 'drizzle-orm/pg-core';

const int8 = (name: string) => bigint(name, { mode: 'bigint' });
const time = (name: string) => timestamp(name, { withTimezone: true });

/**
 * Managers as COMM-010 replicates them; the version is the owner's. Version 0 brings the names,
 * version 1 the nickname alone; once nothing else comes, a contract change drops the names.
 */
export const managerReplicas = pgTable('manager_replicas', {
  id: uuid().primaryKey(),
  version: bigint({ mode: 'bigint' }).notNull(),
  firstName: text('first_name'),
  lastName: text('last_name'),
  /** Follows from the id; null in rows of builds that know no nicknames. */
  nickname: text(),
});

/** Ratings of assessments as COMM-060 replicates them; the version is the owner's. */
export const ratingReplicas = pgTable('rating_replicas', {
  assessmentId: uuid('assessment_id').primaryKey(),
  version: int8('version').notNull(),
  rating: integer().notNull(),
});

/** One booking per solution event. Rows are never changed or removed (triggers refuse both). */
export const bookings = pgTable(
  'bookings',
  {
    /** The id of the event that it books. */
    id: uuid().primaryKey(),
    seq: int8('seq').notNull().generatedAlwaysAsIdentity(),
    kind: text().$type<'credit' | 'debit'>().notNull(),
    solutionId: uuid('solution_id').notNull(),
    assessmentId: uuid('assessment_id').notNull(),
    managerId: uuid('manager_id').notNull(),
    amountMinor: int8('amount_minor').notNull(),
    /** What the amount was computed from: the rating and its version at hiring. */
    rating: integer().notNull(),
    ratingVersion: int8('rating_version').notNull(),
    /** Who or what accepted the solution; empty when unknown. An erasure may replace it. */
    acceptedBy: text('accepted_by').notNull().default(''),
    bookedAt: time('booked_at').notNull(),
  },
  (t) => [
    unique('bookings_once').on(t.solutionId, t.kind),
    index('bookings_statement').on(t.managerId, t.seq),
    check('bookings_kind', sql`kind in ('credit', 'debit')`),
    check('bookings_amount', sql`amount_minor >= 0`),
  ],
);

/**
 * The double-entry ledger: the entries of a booking are inserted by one statement and sum to zero,
 * and are never changed or removed (triggers refuse anything else).
 */
export const ledgerEntries = pgTable(
  'ledger_entries',
  {
    bookingId: uuid('booking_id')
      .notNull()
      .references(() => bookings.id),
    /** `manager:<id>` or `company`. */
    account: text().notNull(),
    /** Above zero: the account gains. */
    amountMinor: int8('amount_minor').notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.bookingId, t.account] }),
    index('ledger_entries_account').on(t.account),
  ],
);
