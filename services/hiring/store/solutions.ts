/** Solutions in PostgreSQL, and how often an exercise was completed. */

import type { Database, Transaction } from 'relink';
import type { ExerciseValue } from '../../../db/hiring/tables.ts';
import type { Solution } from '../domain/solution.ts';

/** What hiring knows about an exercise that a candidate says to have solved. */
export interface Task {
  readonly isCandidate: boolean;
  readonly isAssigned: boolean;
  /** Undefined while hiring has no replica of the assessment. */
  readonly authorId: string | undefined;
  /** The exercise's title; undefined when the assessment has no such exercise. */
  readonly title: string | undefined;
}

export async function findTask(
  tx: Transaction,
  { candidateId, assessmentId, exerciseId }: Omit<Solution, 'state'>,
): Promise<Task> {
  const [row] = await tx<TaskRow[]>`
    select exists (select from candidates where id = ${candidateId}) as is_candidate,
      exists (select from assignments
        where candidate_id = ${candidateId} and assessment_id = ${assessmentId}) as is_assigned,
      a.author_id, a.exercises
    from (select 1) one left join assessment_replicas a on a.id = ${assessmentId}`;
  const { is_candidate, is_assigned, author_id, exercises } = row!;
  return {
    isCandidate: is_candidate,
    isAssigned: is_assigned,
    authorId: author_id ?? undefined,
    title: exercises?.find((one) => one.exercise_id === exerciseId)?.title,
  };
}

/** Inserts a solution; answers false when the id is taken. */
export async function insertSolution(tx: Transaction, solution: Solution): Promise<boolean> {
  const rows = await tx`
    insert into solutions
      (id, candidate_id, assessment_id, exercise_id, author_id, state, submitted_at)
    values (${solution.id}, ${solution.candidateId}, ${solution.assessmentId},
      ${solution.exerciseId}, ${solution.authorId}, ${solution.state},
      ${solution.submittedAt.toISOString()})
    on conflict (id) do nothing returning id`;
  return rows.length === 1;
}

/** The solution under its row lock; undefined when unknown. */
export async function lockSolution(tx: Transaction, id: string): Promise<Solution | undefined> {
  const [row] = await tx<SolutionRow[]>`
    select id, candidate_id, assessment_id, exercise_id, author_id, state,
      submitted_at::text as submitted_at, revoked_at::text as revoked_at
    from solutions where id = ${id} for update`;
  return row && solutionOf(row);
}

/** Saves the revocation of a solution that is locked. */
export async function saveRevocation(tx: Transaction, solution: Solution): Promise<void> {
  await tx`
    update solutions set state = ${solution.state},
      revoked_at = ${solution.revokedAt!.toISOString()}
    where id = ${solution.id}`;
}

export async function findSolution(sql: Database, id: string): Promise<Solution | undefined> {
  const [row] = await sql<SolutionRow[]>`
    select id, candidate_id, assessment_id, exercise_id, author_id, state,
      submitted_at::text as submitted_at, revoked_at::text as revoked_at
    from solutions where id = ${id}`;
  return row && solutionOf(row);
}

/** Counts a correct completion of the exercise; answers how many there are with it. */
export async function countCompletion(tx: Transaction, exerciseId: string): Promise<bigint> {
  const [row] = await tx<{ completed: bigint }[]>`
    insert into exercise_completions as known (exercise_id, completed) values (${exerciseId}, 1)
    on conflict (exercise_id) do update set completed = known.completed + 1
    returning completed`;
  return row!.completed;
}

interface TaskRow {
  is_candidate: boolean;
  is_assigned: boolean;
  author_id: string | null;
  exercises: ExerciseValue[] | null;
}

interface SolutionRow {
  id: string;
  candidate_id: string;
  assessment_id: string;
  exercise_id: string;
  author_id: string;
  state: Solution['state'];
  submitted_at: string;
  revoked_at: string | null;
}

function solutionOf(row: SolutionRow): Solution {
  return {
    id: row.id,
    candidateId: row.candidate_id,
    assessmentId: row.assessment_id,
    exerciseId: row.exercise_id,
    authorId: row.author_id,
    state: row.state,
    submittedAt: new Date(row.submitted_at),
    ...(row.revoked_at && { revokedAt: new Date(row.revoked_at) }),
  };
}
