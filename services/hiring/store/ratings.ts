/** Ratings of assessments in PostgreSQL. */

import { eq, getColumns, sql } from 'drizzle-orm';
import type { Database, EntitySource, Transaction } from 'relink';
import { drizzle } from 'relink/runtime';
import { assessmentRatings } from '../../../db/hiring/tables.ts';
import { isWanted } from '../../paging.ts';
import { assessmentRatingChanged, type Rating, ratingOf } from '../domain/rating.ts';

/** The rating itself follows from the counts; the column is there for parity with its replicas. */
const { rating: _, ...columns } = getColumns(assessmentRatings);

/** The rating under its row lock, which orders its versions; without results a new row. */
export async function lockRating(
  tx: Transaction,
  assessmentId: string,
  now: Date,
): Promise<Rating> {
  const unrated = { assessmentId, version: 0n, results: 0n, accepted: 0n, ratedAt: now };
  const [rating] = await drizzle(tx)
    .insert(assessmentRatings)
    .values({ ...unrated, rating: ratingOf(unrated) })
    .onConflictDoUpdate({
      target: assessmentRatings.assessmentId,
      set: { version: sql`${assessmentRatings.version}` },
    })
    .returning(columns);
  return rating!;
}

/** Saves a rating that is locked. */
export async function saveRating(tx: Transaction, rating: Rating): Promise<void> {
  const { assessmentId, ...counts } = rating;
  await drizzle(tx)
    .update(assessmentRatings)
    .set({ ...counts, rating: ratingOf(rating) })
    .where(eq(assessmentRatings.assessmentId, assessmentId));
}

/** The rating of an assessment; undefined before the first result. */
export async function findRating(sql: Database, assessmentId: string): Promise<Rating | undefined> {
  const [rating] = await drizzle(sql)
    .select(columns)
    .from(assessmentRatings)
    .where(eq(assessmentRatings.assessmentId, assessmentId));
  return rating;
}

/** COMM-060's entity on the owner's side. */
export const ratingSource: EntitySource = {
  table: 'assessment_ratings',
  key: 'assessment_id',
  version: 'version',
  forms: { 0: { texts: ['rating::text'] } },
  page: async (tx, wanted) => {
    const page = await drizzle(tx)
      .select(columns)
      .from(assessmentRatings)
      .where(isWanted(assessmentRatings.assessmentId, wanted))
      .orderBy(assessmentRatings.assessmentId)
      .limit(wanted.limit);
    return page.map((rating) => ({ ...assessmentRatingChanged(rating), key: rating.assessmentId }));
  },
};
