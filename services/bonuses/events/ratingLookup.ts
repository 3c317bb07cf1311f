/**
 * The rating a bonus is computed from. It has two sources that give the same values, sooner or later:
 * the replica that COMM-060 keeps, and hiring itself, asked when the value is needed (pull).
 */
import type { HiringService } from '../../../gen/hiring/v1/hiring_service_pb.ts';
import type { RpcClient } from '../../../link/rpc/client.ts';
import type { Transaction } from '../../../runtime/postgres.ts';
import { type Rating, UNRATED } from '../domain/booking.ts';
import { findRatingReplica } from '../store/ratingReplicas.ts';

export type RatingSource = 'replica' | 'remote';

/** Rejects when the source does not answer: the event is tried again later, nothing is guessed. */
export type FindRating = (tx: Transaction, assessmentId: string) => Promise<Rating>;

export type AskHiring = Pick<RpcClient<typeof HiringService>, 'getAssessmentRating'>;

/** Well below a handler's own limit (10 s), and the transaction that waits meanwhile is short. */
const ASK_DEADLINE_MS = 2_000;

/** `source` is asked at each look-up, so that a route may change it while events arrive. */
export function ratingLookup(options: {
  readonly hiring: () => AskHiring;
  readonly source: () => RatingSource | Promise<RatingSource>;
}): FindRating {
  return async (tx, assessmentId) =>
    (await options.source()) === 'remote'
      ? askForRating(options.hiring(), assessmentId)
      : readRating(tx, assessmentId);
}

/** From the replica; without one no result has been heard of. */
export async function readRating(tx: Transaction, assessmentId: string): Promise<Rating> {
  return (await findRatingReplica(tx, assessmentId)) ?? UNRATED;
}

/** From the owner. */
export async function askForRating(hiring: AskHiring, assessmentId: string): Promise<Rating> {
  const options = { deadlineMs: ASK_DEADLINE_MS, retryUnavailable: true };
  const { rating } = await hiring.getAssessmentRating({ assessmentId }, options);
  return { rating: rating!.rating, version: rating!.version };
}
