/** Replicas of assessments, as COMM-020 and COMM-021 bring them. */

import { eq } from 'drizzle-orm';
import type { Database, ReplicaTable, Transaction } from 'relink';
import { drizzle } from 'relink/runtime';
import { assessmentReplicas } from '../../../db/hiring/tables.ts';

/** COMM-020's and COMM-021's entity on this side: its columns in the order of the owner's texts. */
export const assessmentReplica: ReplicaTable = {
  table: 'assessment_replicas',
  key: { column: 'id', type: 'uuid' },
  version: 'version',
  forms: { 0: { columns: { author_id: 'uuid', title: 'text', exercises: 'jsonb' } } },
};

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

/** Ids of the assessment's exercises; none while hiring has no replica of it. */
export async function listExercises(tx: Transaction, assessmentId: string): Promise<string[]> {
  const assessment = await findAssessmentReplica(tx, assessmentId);
  return assessment?.exercises.map((one) => one.exercise_id) ?? [];
}
