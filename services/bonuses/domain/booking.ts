/** A booking of the ledger, its two entries, and the order to finance that pays it out. */

import type { MessageFor } from 'relink';
import type { CreditToAccountV0, DebitFromAccountV0 } from '../../../gen/events.ts';

/** What an accepted solution earns with a rating of 100, in minor units. */
export const BASE_BONUS_MINOR = 10_000n;
const FULL_RATING = 100n;

/** An assessment's rating as bonuses knows it when it computes a bonus. */
export interface Rating {
  /** 0 to 100. */
  readonly rating: number;
  /** The owner's version of it; 0 before the first result. */
  readonly version: bigint;
}

/** What hiring says of an assessment before its first result. */
export const UNRATED: Rating = { rating: 50, version: 0n };

export interface Booking {
  /** The id of the event that it books. */
  readonly id: string;
  readonly kind: 'credit' | 'debit';
  readonly solutionId: string;
  readonly assessmentId: string;
  readonly managerId: string;
  /** Who or what accepted the solution; empty when unknown. */
  readonly acceptedBy: string;
  /** Never below zero, in minor units. */
  readonly amountMinor: bigint;
  /** What the amount was computed from. */
  readonly rating: Rating;
  readonly bookedAt: Date;
}

export interface Entry {
  readonly account: string;
  /** Above zero: the account gains. */
  readonly amountMinor: bigint;
}

/** Where all bonuses come from, and go back to. */
export const COMPANY_ACCOUNT = 'company';

/**
 * `base x rating / 100`, rounded down to a whole minor unit. Never above the base, so that an int8 holds
 * the sum of 900 trillion bookings. Throws RangeError for what is no rating.
 */
export function bonusFor(rating: number): bigint {
  if (rating < 0 || rating > FULL_RATING)
    throw new RangeError(`a rating must be from 0 to 100, not ${rating}: nothing is booked`);
  return (BASE_BONUS_MINOR * BigInt(rating)) / FULL_RATING;
}

/** The bonus for an accepted solution. */
export function creditSolution(
  event: {
    eventId: string;
    solutionId: string;
    assessmentId: string;
    authorId: string;
    acceptedBy: string;
  },
  rating: Rating,
  now: Date,
): Booking {
  return {
    id: event.eventId,
    kind: 'credit',
    solutionId: event.solutionId,
    assessmentId: event.assessmentId,
    managerId: event.authorId,
    acceptedBy: event.acceptedBy,
    amountMinor: bonusFor(rating.rating),
    rating,
    bookedAt: now,
  };
}

/** Takes back exactly what was credited, whatever the rating is by now. */
export function debitSolution(eventId: string, credit: Booking, now: Date): Booking {
  return { ...credit, id: eventId, kind: 'debit', bookedAt: now };
}

/** Both sides of a booking; they sum to zero. */
export function entriesOf(booking: Booking): readonly [manager: Entry, company: Entry] {
  const gained = booking.kind === 'credit' ? booking.amountMinor : -booking.amountMinor;
  return [
    { account: accountOf(booking.managerId), amountMinor: gained },
    { account: COMPANY_ACCOUNT, amountMinor: -gained },
  ];
}

/** A manager's account in the ledger. */
export function accountOf(managerId: string): string {
  return `manager:${managerId}`;
}

/** COMM-080 is ordered by solution: the credit, then the debit. */
const ORDER = {
  credit: { event: 'CreditToAccount', version: 1n },
  debit: { event: 'DebitFromAccount', version: 2n },
} as const;

/** COMM-080: the order that pays a booking out; none when there is nothing to pay. */
export function payoutOf(
  booking: Booking,
): MessageFor<CreditToAccountV0 | DebitFromAccountV0> | undefined {
  if (booking.amountMinor === 0n) return undefined;
  const payload = {
    transfer_id: booking.id,
    account_id: booking.managerId,
    solution_id: booking.solutionId,
    amount_minor: String(booking.amountMinor),
    requested_at: booking.bookedAt.toISOString(),
  };
  return { ...ORDER[booking.kind], payload };
}
