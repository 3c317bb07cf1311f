/** Replicas of ratings, as COMM-060 brings them. */
import type { ReplicaTable } from '../../../link/inbox/upsertNewer.ts';
import type { EntityTable } from '../../../link/participant/entity.ts';
import type { Transaction } from '../../../runtime/postgres.ts';
import type { Rating } from '../domain/booking.ts';

export const ratingReplicaTable: ReplicaTable = {
  table: 'rating_replicas',
  key: { column: 'assessment_id', type: 'uuid' },
  version: 'version',
  columns: { rating: 'int4' },
};

/** COMM-060's entity on this side: the same texts as the owner's. */
export const ratingReplica: EntityTable = {
  table: 'rating_replicas',
  key: 'assessment_id',
  version: 'version',
  texts: ['rating::text'],
};

export async function findRatingReplica(
  tx: Transaction,
  assessmentId: string,
): Promise<Rating | undefined> {
  const [row] = await tx<Rating[]>`
    select rating, version from rating_replicas where assessment_id = ${assessmentId}`;
  return row && { ...row };
}
