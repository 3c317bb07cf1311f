/** Ratings of assessments in PostgreSQL. */
import type { Database, EntitySource, Transaction } from 'relink';
import { BEFORE_ALL_IDS } from '../../paging.ts';
import { assessmentRatingChanged, type Rating, ratingOf } from '../domain/rating.ts';

/** The rating under its row lock, which orders its versions; without results a new row. */
export async function lockRating(
  tx: Transaction,
  assessmentId: string,
  now: Date,
): Promise<Rating> {
  const unrated = ratingOf({ results: 0n, accepted: 0n });
  const [row] = await tx<RatingRow[]>`
    insert into assessment_ratings as known
      (assessment_id, version, results, accepted, rating, rated_at)
    values (${assessmentId}, 0, 0, 0, ${unrated}, ${now.toISOString()})
    on conflict (assessment_id) do update set version = known.version
    returning assessment_id, version, results, accepted, rated_at::text as rated_at`;
  return ratingOfRow(row!);
}

/** Saves a rating that is locked. */
export async function saveRating(tx: Transaction, rating: Rating): Promise<void> {
  await tx`
    update assessment_ratings set version = ${rating.version}, results = ${rating.results},
      accepted = ${rating.accepted}, rating = ${ratingOf(rating)},
      rated_at = ${rating.ratedAt.toISOString()}
    where assessment_id = ${rating.assessmentId}`;
}

/** The rating of an assessment; undefined before the first result. */
export async function findRating(sql: Database, assessmentId: string): Promise<Rating | undefined> {
  const [row] = await sql<RatingRow[]>`
    select assessment_id, version, results, accepted, rated_at::text as rated_at
    from assessment_ratings where assessment_id = ${assessmentId}`;
  return row && ratingOfRow(row);
}

/** COMM-060's entity on the owner's side. */
export const ratingSource: EntitySource = {
  table: 'assessment_ratings',
  key: 'assessment_id',
  version: 'version',
  texts: ['rating::text'],
  page: async (tx, { afterKey, limit, keys }) => {
    const rows = await tx<RatingRow[]>`
      select assessment_id, version, results, accepted, rated_at::text as rated_at
      from assessment_ratings
      where (${afterKey} = '' or assessment_id > ${afterKey || BEFORE_ALL_IDS}::uuid)
        and (${keys.length} = 0 or assessment_id = any(${keys as string[]}::uuid[]))
      order by assessment_id limit ${limit}`;
    return rows.map((row) => ({
      ...assessmentRatingChanged(ratingOfRow(row)),
      key: row.assessment_id,
    }));
  },
};

interface RatingRow {
  assessment_id: string;
  version: bigint;
  results: bigint;
  accepted: bigint;
  rated_at: string;
}

function ratingOfRow(row: RatingRow): Rating {
  return {
    assessmentId: row.assessment_id,
    version: row.version,
    results: row.results,
    accepted: row.accepted,
    ratedAt: new Date(row.rated_at),
  };
}
