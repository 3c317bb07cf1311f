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

/** Ids of the assessment's exercises; none while hiring has no replica of it. */
export async function listExercises(tx: Transaction, assessmentId: string): Promise<string[]> {
  const assessment = await findAssessmentReplica(tx, assessmentId);
  return assessment?.exercises.map((one) => one.exercise_id) ?? [];
}
