/** Solutions in PostgreSQL, and how often an exercise was completed. */

import { and, eq, inArray, ne, sql } from 'drizzle-orm';
import type { Database, Transaction } from 'relink';
import { drizzle } from 'relink/runtime';
import { type ExerciseValue, exerciseCompletions, solutions } from '../../../db/hiring/tables.ts';
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

/** SQL: three questions in one statement. */
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

interface TaskRow {
  is_candidate: boolean;
  is_assigned: boolean;
  author_id: string | null;
  exercises: ExerciseValue[] | null;
}

/** Inserts a solution; answers false when the id is taken. */
export async function insertSolution(tx: Transaction, solution: Solution): Promise<boolean> {
  const rows = await drizzle(tx)
    .insert(solutions)
    .values(solution)
    .onConflictDoNothing({ target: solutions.id })
    .returning({ id: solutions.id });
  return rows.length === 1;
}

/** The solution under its row lock; undefined when unknown. */
export async function lockSolution(tx: Transaction, id: string): Promise<Solution | undefined> {
  const [row] = await drizzle(tx)
    .select()
    .from(solutions)
    .where(eq(solutions.id, id))
    .for('update');
  return row && solutionOf(row);
}

/** Saves the revocation of a solution that is locked. */
export async function saveRevocation(tx: Transaction, solution: Solution): Promise<void> {
  const { id, state, revokedAt } = solution;
  await drizzle(tx).update(solutions).set({ state, revokedAt }).where(eq(solutions.id, id));
}

export async function findSolution(sql: Database, id: string): Promise<Solution | undefined> {
  const [row] = await drizzle(sql).select().from(solutions).where(eq(solutions.id, id));
  return row && solutionOf(row);
}

/** Counts a correct completion of the exercise; answers how many there are with it. */
export async function countCompletion(tx: Transaction, exerciseId: string): Promise<bigint> {
  const { completed } = exerciseCompletions;
  const [row] = await drizzle(tx)
    .insert(exerciseCompletions)
    .values({ exerciseId, completed: 1n })
    .onConflictDoUpdate({
      target: exerciseCompletions.exerciseId,
      set: { completed: sql`${completed} + 1` },
    })
    .returning({ completed });
  return row!.completed;
}

/** Which of these exercises were solved, by candidate; a revocation does not take one away. */
export async function listSolved(
  tx: Transaction,
  candidateIds: readonly string[],
  exerciseIds: readonly string[],
): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
  const { candidateId, exerciseId, state } = solutions;
  const isMeant = and(
    inArray(candidateId, [...candidateIds]),
    inArray(exerciseId, [...exerciseIds]),
    ne(state, 'rejected'),
  );
  const rows = await drizzle(tx).select({ candidateId, exerciseId }).from(solutions).where(isMeant);
  const byCandidate = Map.groupBy(rows, (row) => row.candidateId);
  return new Map(
    [...byCandidate].map(([id, all]) => [id, new Set(all.map((row) => row.exerciseId))]),
  );
}

function solutionOf({ revokedAt, ...row }: typeof solutions.$inferSelect): Solution {
  return { ...row, ...(revokedAt && { revokedAt }) };
}
