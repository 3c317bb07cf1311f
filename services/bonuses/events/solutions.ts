/**
 * COMM-040 at bonuses: an accepted solution credits its author, a revoked one takes back the same
 * amount. Booking and payout order (COMM-080) are one transaction with the event's inbox row.
 */
import type { SolutionCompletedV0, SolutionRevokedV0 } from '../../../gen/events.ts';
import { type BusinessEvent, functional, type Handler } from '../../../link/inbox/handler.ts';
import { enqueue } from '../../../link/outbox/enqueue.ts';
import type { PulledValue } from '../../../link/pull/pulledValue.ts';
import type { Transaction } from '../../../runtime/postgres.ts';
import { links } from '../../links.ts';
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

export function bookSolutions(ratings: Ratings): Handler {
  return functional(async (tx, event) => {
    const booking =
      event.event === 'SolutionCompleted'
        ? await credit(tx, event, ratings)
        : await debit(tx, event);
    await insertBooking(tx, booking);
    const payout = payoutOf(booking);
    if (payout) await enqueue(tx, links['COMM-080']!, [payout]);
    return { ratingVersion: booking.rating.version };
  });
}

async function credit(
  tx: Transaction,
  { eventId, payload }: BusinessEvent,
  ratings: Ratings,
): Promise<Booking> {
  const solution = payload as SolutionCompletedV0['payload'];
  const rating = await ratings.read(tx, solution.assessment_id);
  const facts = {
    eventId,
    solutionId: solution.solution_id,
    assessmentId: solution.assessment_id,
    authorId: solution.author_id,
  };
  return creditSolution(facts, rating, new Date());
}

async function debit(tx: Transaction, { eventId, payload }: BusinessEvent): Promise<Booking> {
  const solutionId = (payload as SolutionRevokedV0['payload']).solution_id;
  const credited = await findCredit(tx, solutionId);
  if (!credited) throw new Error(`solution ${solutionId} was never credited`);
  return debitSolution(eventId, credited, new Date());
}
