/**
 * COMM-040 at bonuses: an accepted solution credits its author, a revoked one takes back the same
 * amount. Booking and payout order (COMM-080) are one transaction with the event's inbox row.
 */
import { type Basis, enqueue, functional, type PulledValue, type Transaction } from 'relink';
import { type LinkEvent, links } from '../../links.ts';
import {
  type Booking,
  creditSolution,
  debitSolution,
  payoutOf,
  type Rating,
} from '../domain/booking.ts';
import { findCredit, insertBooking } from '../store/ledger.ts';

/** Where a handler finds the rating of an assessment. */
type Ratings = Pick<PulledValue<Rating>, 'read'>;

export function bookSolutions(ratings: Ratings) {
  // A booking is of one solution, and solutions share no row that a booking changes.
  return functional<LinkEvent<'COMM-040'>>(
    {
      SolutionCompleted: async (tx, { eventId, payload }) => {
        const rating = await ratings.read(tx, payload.assessment_id);
        const facts = {
          eventId,
          solutionId: payload.solution_id,
          assessmentId: payload.assessment_id,
          authorId: payload.author_id,
          acceptedBy: payload.accepted_by,
        };
        return book(tx, creditSolution(facts, rating, new Date()));
      },
      SolutionRevoked: async (tx, { eventId, payload }) => {
        const credited = await findCredit(tx, payload.solution_id);
        if (!credited) throw new Error(`solution ${payload.solution_id} was never credited`);
        return book(tx, debitSolution(eventId, credited, new Date()));
      },
    },
    { independentKeys: true },
  );
}

async function book(tx: Transaction, booking: Booking): Promise<Basis> {
  await insertBooking(tx, booking);
  const payout = payoutOf(booking);
  if (payout) await enqueue(tx, links['COMM-080'], [payout]);
  return { ratingVersion: booking.rating.version };
}
