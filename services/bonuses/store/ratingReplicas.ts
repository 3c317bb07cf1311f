/** Replicas of ratings, as COMM-060 brings them. */

import { eq } from 'drizzle-orm';
import type { ReplicaTable, Transaction } from 'relink';
import { drizzle } from 'relink/runtime';
import { ratingReplicas } from '../../../db/bonuses/tables.ts';
import type { Rating } from '../domain/booking.ts';

/** COMM-060's entity on this side: its columns in the order of the owner's texts. */
export const ratingReplica: ReplicaTable = {
  table: 'rating_replicas',
  key: { column: 'assessment_id', type: 'uuid' },
  version: 'version',
  forms: { 0: { columns: { rating: 'int4' } } },
};

export async function findRatingReplica(
  tx: Transaction,
  assessmentId: string,
): Promise<Rating | undefined> {
  const { rating, version } = ratingReplicas;
  const [found] = await drizzle(tx)
    .select({ rating, version })
    .from(ratingReplicas)
    .where(eq(ratingReplicas.assessmentId, assessmentId));
  return found;
}
