/** Replicas of assessments, as COMM-020 and COMM-021 bring them. */

import { eq } from 'drizzle-orm';
import type { Database, ReplicaTable, Transaction } from 'relink';
import { drizzle } from 'relink/runtime';
import { assessmentReplicas } from '../../../db/hiring/tables.ts';
import { titleForms } from '../../mappings/titles.ts';

/** COMM-020's and COMM-021's entity on this side, its texts in the order of the owner's. */
export const assessmentReplica: ReplicaTable = {
  table: 'assessment_replicas',
  key: { column: 'id', type: 'uuid' },
  version: 'version',
  forms: { 0: formOf(0), 1: formOf(1) },
};

/** The columns are the same: a title that comes whole empties the area of the row before. */
function formOf(version: 0 | 1) {
  const form = titleForms[version];
  return {
    ...form,
    columns: { author_id: 'uuid', title: 'text', knowledge_area: 'text', exercises: 'jsonb' },
    texts: ['author_id::text', ...form.texts, 'exercises::text'],
  } as const;
}

type AssessmentReplica = typeof assessmentReplicas.$inferSelect;

export async function findAssessmentReplica(
  sql: Database | Transaction,
  id: string,
): Promise<AssessmentReplica | undefined> {
  const [row] = await drizzle(sql)
    .select()
    .from(assessmentReplicas)
    .where(eq(assessmentReplicas.id, id));
  return row;
}

/** The namespace of this advisory lock, apart from other uses. */
const UNKNOWN_ASSESSMENTS_LOCK = 7_070_003;

/** An assessment as far as hiring knows it at this moment. */
export interface KnownExercises {
  /** 0 while hiring has no replica of it. */
  readonly version: bigint;
  readonly exercises: readonly string[];
}

/**
 * Ids of the assessment's exercises. They stay what they are until this transaction ends: whoever
 * brings more of them waits, and then sees the assignment that this transaction wrote.
 */
export async function holdExercises(
  tx: Transaction,
  assessmentId: string,
): Promise<KnownExercises> {
  const known = await shareExercises(tx, assessmentId);
  if (known) return known;
  // There is no row to lock; and one may have come while this waited.
  await tx`select pg_advisory_xact_lock(${UNKNOWN_ASSESSMENTS_LOCK}, 0)`;
  return (await shareExercises(tx, assessmentId)) ?? { version: 0n, exercises: [] };
}

async function shareExercises(
  tx: Transaction,
  assessmentId: string,
): Promise<KnownExercises | undefined> {
  const { id, version, exercises } = assessmentReplicas;
  const [row] = await drizzle(tx)
    .select({ version, exercises })
    .from(assessmentReplicas)
    .where(eq(id, assessmentId))
    .for('share');
  return row && { ...row, exercises: row.exercises.map((one) => one.exercise_id) };
}

/**
 * Ids of the exercises by assessment, without those of which there is no replica; for whoever is
 * about to write these. Both statements are sent at once, so that what is written can follow.
 */
export async function readExercisesBefore(
  tx: Transaction,
  assessmentIds: readonly string[],
): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
  const lock = tx`select pg_advisory_xact_lock_shared(${UNKNOWN_ASSESSMENTS_LOCK}, 0)`.execute();
  const reading = tx<{ id: string; exercises: string[] }[]>`
    select id, jsonb_path_query_array(exercises, '$[*].exercise_id') as exercises
    from assessment_replicas where id = any(${assessmentIds as string[]}::uuid[])`.execute();
  const [rows] = await Promise.all([reading, lock]);
  return new Map(rows.map(({ id, exercises }) => [id, new Set(exercises)]));
}
