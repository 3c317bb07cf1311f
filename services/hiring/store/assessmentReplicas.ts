/** Replicas of assessments, as COMM-020 and COMM-021 bring them. */

import type { Database, ReplicaTable, Transaction } from 'relink';
import type { ExerciseValue } from '../../../db/hiring/tables.ts';

/** COMM-020's and COMM-021's entity on this side: its columns in the order of the owner's texts. */
export const assessmentReplica: ReplicaTable = {
  table: 'assessment_replicas',
  key: { column: 'id', type: 'uuid' },
  version: 'version',
  columns: { author_id: 'uuid', title: 'text', exercises: 'jsonb' },
};

export interface AssessmentReplica {
  readonly id: string;
  readonly version: bigint;
  readonly authorId: string;
  readonly title: string;
  readonly exercises: readonly ExerciseValue[];
}

export async function findAssessmentReplica(
  sql: Database,
  id: string,
): Promise<AssessmentReplica | undefined> {
  const [row] = await sql<AssessmentReplica[]>`
    select id, version, author_id as "authorId", title, exercises
    from assessment_replicas where id = ${id}`;
  return row;
}

/** Ids of the assessment's exercises; none while hiring has no replica of it. */
export async function listExercises(tx: Transaction, assessmentId: string): Promise<string[]> {
  const [row] = await tx<{ exercises: ExerciseValue[] }[]>`
    select exercises from assessment_replicas where id = ${assessmentId}`;
  return row?.exercises.map((one) => one.exercise_id) ?? [];
}
