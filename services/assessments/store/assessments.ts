/** Assessments in PostgreSQL: a row each, exercises included. */

import type { Database, EntitySource, Message, Transaction } from 'relink';
import type { ExerciseValue } from '../../../db/assessments/tables.ts';
import { BEFORE_ALL_IDS, type Page } from '../../paging.ts';
import { type Assessment, assessmentCreated, assessmentUpdated } from '../domain/assessment.ts';

/** Inserts an assessment; answers false when the id is taken or the author is no manager. */
export async function insertAssessment(tx: Transaction, assessment: Assessment): Promise<boolean> {
  const rows = await tx`
    insert into assessments (id, version, author_id, title, exercises, created_at, updated_at)
    select ${assessment.id}::uuid, ${assessment.version}::int8, id, ${assessment.title}::text,
      ${exercisesText(assessment)}::text::jsonb, ${assessment.createdAt.toISOString()}::timestamptz,
      ${assessment.updatedAt.toISOString()}::timestamptz
    from managers where id = ${assessment.authorId}
    on conflict (id) do nothing returning id`;
  return rows.length === 1;
}

/** The assessment under its row lock, which orders its versions; undefined when unknown. */
export async function lockAssessment(tx: Transaction, id: string): Promise<Assessment | undefined> {
  const [row] = await tx<AssessmentRow[]>`
    select id, version, author_id, title, exercises, created_at::text as created_at,
      updated_at::text as updated_at
    from assessments where id = ${id} for update`;
  return row && assessmentOf(row);
}

/** The assessment that has the exercise, under its row lock; undefined when none has it (any more). */
export async function lockAssessmentOf(
  tx: Transaction,
  exerciseId: string,
): Promise<Assessment | undefined> {
  const holding = JSON.stringify([{ exercise_id: exerciseId }]);
  const [row] = await tx<AssessmentRow[]>`
    select id, version, author_id, title, exercises, created_at::text as created_at,
      updated_at::text as updated_at
    from assessments where exercises @> ${holding}::text::jsonb for update`;
  return row && assessmentOf(row);
}

/** Saves a changed assessment that is locked. */
export async function saveAssessment(tx: Transaction, assessment: Assessment): Promise<void> {
  await tx`
    update assessments set version = ${assessment.version}, title = ${assessment.title},
      exercises = ${exercisesText(assessment)}::text::jsonb,
      updated_at = ${assessment.updatedAt.toISOString()}
    where id = ${assessment.id}`;
}

export async function findAssessment(sql: Database, id: string): Promise<Assessment | undefined> {
  const [row] = await sql<AssessmentRow[]>`
    select id, version, author_id, title, exercises, created_at::text as created_at,
      updated_at::text as updated_at
    from assessments where id = ${id}`;
  return row && assessmentOf(row);
}

/** Assessments in the order of their ids. */
export async function listAssessments(
  sql: Database,
  { after, limit }: Page<string>,
): Promise<Assessment[]> {
  const rows = await sql<AssessmentRow[]>`
    select id, version, author_id, title, exercises, created_at::text as created_at,
      updated_at::text as updated_at
    from assessments where id > ${after}::uuid order by id limit ${limit}`;
  return rows.map(assessmentOf);
}

/** COMM-020's and COMM-021's entity on the owner's side; each link says the state by its own event. */
export const createdAssessmentSource = sourceOf(assessmentCreated);
export const updatedAssessmentSource = sourceOf(assessmentUpdated);

function sourceOf(toMessage: (assessment: Assessment) => Message): EntitySource {
  return {
    table: 'assessments',
    key: 'id',
    version: 'version',
    texts: ['author_id::text', 'title', 'exercises::text'],
    page: async (tx, { afterKey, limit, keys }) => {
      const rows = await tx<AssessmentRow[]>`
        select id, version, author_id, title, exercises, created_at::text as created_at,
          updated_at::text as updated_at
        from assessments
        where (${afterKey} = '' or id > ${afterKey || BEFORE_ALL_IDS}::uuid)
          and (${keys.length} = 0 or id = any(${keys as string[]}::uuid[]))
        order by id limit ${limit}`;
      return rows.map((row) => ({ ...toMessage(assessmentOf(row)), key: row.id }));
    },
  };
}

interface AssessmentRow {
  id: string;
  version: bigint;
  author_id: string;
  title: string;
  exercises: ExerciseValue[];
  created_at: string;
  updated_at: string;
}

function assessmentOf(row: AssessmentRow): Assessment {
  return {
    id: row.id,
    version: row.version,
    authorId: row.author_id,
    title: row.title,
    exercises: row.exercises.map(({ exercise_id: id, title, text, difficulty }) => ({
      id,
      title,
      text,
      difficulty,
    })),
    createdAt: new Date(row.created_at),
    updatedAt: new Date(row.updated_at),
  };
}

function exercisesText({ exercises }: Assessment): string {
  const values: ExerciseValue[] = exercises.map(({ id, title, text, difficulty }) => ({
    exercise_id: id,
    title,
    text,
    difficulty,
  }));
  return JSON.stringify(values);
}
