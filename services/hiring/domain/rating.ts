/** The rating of an assessment, and the business fact that it moved. */

import type { Message } from 'relink';
import type { AssessmentRatingChangedV0 } from '../../../gen/events.ts';

export interface Rating {
  readonly assessmentId: string;
  /** Rises by one with every result; 0 before the first. */
  readonly version: bigint;
  /** Solutions submitted. */
  readonly results: bigint;
  /** Solutions accepted and not revoked. */
  readonly accepted: bigint;
  readonly ratedAt: Date;
}

/**
 * 0 to 100: the share of accepted solutions, counted as if one accepted and one rejected solution had
 * been there from the start, so that the first results do not throw it from 0 to 100. Half a point is
 * rounded up. Without results it is 50, which bonuses knows too.
 */
export function ratingOf({ results, accepted }: Pick<Rating, 'results' | 'accepted'>): number {
  const share = accepted + 1n;
  const all = results + 2n;
  return Number((200n * share + all) / (2n * all));
}

/** A solution was submitted. */
export function countResult(rating: Rating, isAccepted: boolean, now: Date): Rating {
  const { version, results, accepted } = rating;
  return {
    ...rating,
    version: version + 1n,
    results: results + 1n,
    accepted: isAccepted ? accepted + 1n : accepted,
    ratedAt: now,
  };
}

/** An accepted solution was revoked: it stays a result, and is accepted no more. */
export function countRevocation(rating: Rating, now: Date): Rating {
  const { version, accepted } = rating;
  return { ...rating, version: version + 1n, accepted: accepted - 1n, ratedAt: now };
}

/** COMM-060; a backfill sends the same for every rating. */
export function assessmentRatingChanged(rating: Rating): Message<AssessmentRatingChangedV0> {
  const payload = {
    assessment_id: rating.assessmentId,
    rating: ratingOf(rating),
    rated_at: rating.ratedAt.toISOString(),
  };
  return { event: 'AssessmentRatingChanged', version: rating.version, payload };
}
