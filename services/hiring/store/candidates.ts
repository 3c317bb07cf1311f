/** Candidates and what they are assigned, in PostgreSQL. */

import { eq, inArray } from 'drizzle-orm';
import type { Database, EntitySource, Transaction } from 'relink';
import { drizzle } from 'relink/runtime';
import { assignments, candidates } from '../../../db/hiring/tables.ts';
import { isWanted } from '../../paging.ts';
import { type Candidate, candidateCreated } from '../domain/candidate.ts';

export interface Assignment {
  readonly id: string;
  readonly candidateId: string;
  readonly assessmentId: string;
  readonly assignedBy: string;
  /** RFC 3339 */
  readonly assignedAt: string;
}

/** Inserts a candidate; answers false when the id is taken. */
export async function insertCandidate(tx: Transaction, candidate: Candidate): Promise<boolean> {
  const rows = await drizzle(tx)
    .insert(candidates)
    .values(candidate)
    .onConflictDoNothing({ target: candidates.id })
    .returning({ id: candidates.id });
  return rows.length === 1;
}

/** The candidate under its row lock, which orders its versions; undefined when unknown. */
export async function lockCandidate(tx: Transaction, id: string): Promise<Candidate | undefined> {
  const [candidate] = await drizzle(tx)
    .select()
    .from(candidates)
    .where(eq(candidates.id, id))
    .for('update');
  return candidate;
}

/** Several candidates under their row locks, taken in the order of ids so that nobody deadlocks. */
export async function lockCandidates(
  tx: Transaction,
  ids: readonly string[],
): Promise<Candidate[]> {
  return drizzle(tx)
    .select()
    .from(candidates)
    .where(inArray(candidates.id, [...ids]))
    .orderBy(candidates.id)
    .for('update');
}

/** Saves what several candidates that are locked have to solve; in SQL, since all go in one statement. */
export async function saveExercisesToSolve(
  tx: Transaction,
  changed: readonly Candidate[],
): Promise<void> {
  await tx`
    update candidates set version = changed.version, exercises_to_solve = changed.exercises::jsonb
    from unnest(${changed.map(({ id }) => id)}::uuid[],
      ${changed.map(({ version }) => String(version))}::int8[],
      ${changed.map((one) => JSON.stringify(one.exercisesToSolve))}::text[]
    ) changed(id, version, exercises)
    where candidates.id = changed.id`;
}

/** Saves a changed candidate that is locked. */
export async function saveCandidate(tx: Transaction, candidate: Candidate): Promise<void> {
  const { id, version, status, exercisesToSolve } = candidate;
  await drizzle(tx)
    .update(candidates)
    .set({ version, status, exercisesToSolve })
    .where(eq(candidates.id, id));
}

export async function findCandidate(sql: Database, id: string): Promise<Candidate | undefined> {
  const [candidate] = await drizzle(sql).select().from(candidates).where(eq(candidates.id, id));
  return candidate;
}

/** Keeps an assignment; answers false when the candidate has the assessment already. */
export async function insertAssignment(tx: Transaction, assignment: Assignment): Promise<boolean> {
  const rows = await drizzle(tx)
    .insert(assignments)
    .values({ ...assignment, assignedAt: new Date(assignment.assignedAt) })
    .onConflictDoNothing()
    .returning({ id: assignments.id });
  return rows.length === 1;
}

/** Ids of the assessments that the candidate is assigned. */
export async function listAssigned(sql: Database, candidateId: string): Promise<string[]> {
  const { id, assessmentId, assignedAt } = assignments;
  const rows = await drizzle(sql)
    .select({ assessmentId })
    .from(assignments)
    .where(eq(assignments.candidateId, candidateId))
    .orderBy(assignedAt, id);
  return rows.map((row) => row.assessmentId);
}

/** Who is assigned one of these assessments: the candidates' ids by assessment. */
export async function listAssignees(
  tx: Transaction,
  assessmentIds: readonly string[],
): Promise<ReadonlyMap<string, readonly string[]>> {
  const { assessmentId, candidateId } = assignments;
  const rows = await drizzle(tx)
    .select({ assessmentId, candidateId })
    .from(assignments)
    .where(inArray(assessmentId, [...assessmentIds]));
  const byAssessment = Map.groupBy(rows, (row) => row.assessmentId);
  return new Map([...byAssessment].map(([id, all]) => [id, all.map((row) => row.candidateId)]));
}

/** COMM-030's entity on the owner's side. */
export const candidateSource: EntitySource = {
  table: 'candidates',
  key: 'id',
  version: 'version',
  forms: { 0: { texts: ['name', 'status', 'exercises_to_solve::text'] } },
  page: async (tx, wanted) => {
    const page = await drizzle(tx)
      .select()
      .from(candidates)
      .where(isWanted(candidates.id, wanted))
      .orderBy(candidates.id)
      .limit(wanted.limit);
    return page.map((candidate) => ({ ...candidateCreated(candidate), key: candidate.id }));
  },
};
