/** Replicas of assessments, as COMM-020 and COMM-021 bring them. */
import { eq } from 'drizzle-orm';

import { assessmentReplicas, type ExerciseValue } from '../../../db/hiring/tables.ts';
import type { ReplicaTable } from '../../../link/inbox/upsertNewer.ts';
import type { EntityTable } from '../../../link/participant/entity.ts';
import type { Database, Transaction } from '../../../runtime/postgres.ts';
import { typed } from '../../drizzle.ts';

export const assessmentReplicaTable: ReplicaTable = {
  table: 'assessment_replicas',
  key: { column: 'id', type: 'uuid' },
  version: 'version',
  columns: { author_id: 'uuid', title: 'text', exercises: 'jsonb' },
};

/** COMM-020's and COMM-021's entity on this side: the same texts as the owner's. */
export const assessmentReplica: EntityTable = {
  table: 'assessment_replicas',
  key: 'id',
  version: 'version',
  texts: ['author_id::text', 'title', 'exercises::text'],
};

export async function findAssessmentReplica(sql: Database, id: string) {
  const [row] = await typed(sql)
    .select()
    .from(assessmentReplicas)
    .where(eq(assessmentReplicas.id, id));
  return row;
}

/** Ids of the assessment's exercises; none while hiring has no replica of it. */
export async function listExercises(tx: Transaction, assessmentId: string): Promise<string[]> {
  const [row] = await tx<{ exercises: ExerciseValue[] }[]>`
    select exercises from assessment_replicas where id = ${assessmentId}`;
  return row?.exercises.map((one) => one.exercise_id) ?? [];
}
