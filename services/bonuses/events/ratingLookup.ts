/**
 * The rating a bonus is computed from. It has two sources that give the same values, sooner or later:
 * the replica that COMM-060 keeps, and hiring itself, asked when the value is needed (pull).
 */

import { type Pull, PulledValue, type Transaction } from 'relink';
import type { RpcClient } from 'relink/rpc';
import { applyContract } from '../../../db/schemaChanges.ts';
import type { HiringService } from '../../../gen/hiring/v1/hiring_service_pb.ts';
import { type Rating, UNRATED } from '../domain/booking.ts';
import { findRatingReplica } from '../store/ratingReplicas.ts';

export type AskHiring = Pick<RpcClient<typeof HiringService>, 'getAssessmentRating'>;

/** Well below a handler's own limit (10 s), and the transaction that waits meanwhile is short. */
const ASK_DEADLINE_MS = 2_000;

/** Rejects when hiring is asked and does not answer: the event is retried, no rating is guessed. */
export function ratingLookup(hiring: () => AskHiring): PulledValue<Rating> {
  return new PulledValue({
    link: 'COMM-060',
    replica: readRating,
    owner: (assessmentId) => askForRating(hiring(), assessmentId),
    isSame: (one, other) => one.rating === other.rating,
  });
}

/** COMM-060 by `pull`: the look-up, and what becomes of the replica's table. */
export function pullRatings(value: PulledValue<Rating>): Pull {
  return {
    value,
    makeTable: (tx) => applyContract(tx, 'bonuses', 'makeRatingReplicas'),
    dropTable: (tx) => applyContract(tx, 'bonuses', 'dropRatingReplicas'),
  };
}

/** From the replica; without one no result has been heard of. */
export async function readRating(tx: Transaction, assessmentId: string): Promise<Rating> {
  return (await findRatingReplica(tx, assessmentId)) ?? UNRATED;
}

/** From the owner. */
async function askForRating(hiring: AskHiring, assessmentId: string): Promise<Rating> {
  const options = { deadlineMs: ASK_DEADLINE_MS, retryUnavailable: true };
  const { rating } = await hiring.getAssessmentRating({ assessmentId }, options);
  return { rating: rating!.rating, version: rating!.version };
}
