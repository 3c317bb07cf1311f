/** Replicas of ratings, as COMM-060 brings them. */
import type { ReplicaTable, Transaction } from 'relink';
import type { Rating } from '../domain/booking.ts';

/** COMM-060's entity on this side: its columns in the order of the owner's texts. */
export const ratingReplica: ReplicaTable = {
  table: 'rating_replicas',
  key: { column: 'assessment_id', type: 'uuid' },
  version: 'version',
  columns: { rating: 'int4' },
};

export async function findRatingReplica(
  tx: Transaction,
  assessmentId: string,
): Promise<Rating | undefined> {
  const [row] = await tx<Rating[]>`
    select rating, version from rating_replicas where assessment_id = ${assessmentId}`;
  return row && { ...row };
}
