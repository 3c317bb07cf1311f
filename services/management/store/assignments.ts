/** Assignments in PostgreSQL. */

import { and, eq } from 'drizzle-orm';
import type { Database, Transaction } from 'relink';
import { drizzle } from 'relink/runtime';
import { assignments } from '../../../db/management/tables.ts';
import type { Assignment } from '../domain/assignment.ts';

/** Inserts an assignment; answers false when its id is taken or the candidate has the assessment. */
export async function insertAssignment(tx: Transaction, assignment: Assignment): Promise<boolean> {
  const rows = await drizzle(tx)
    .insert(assignments)
    .values(assignment)
    .onConflictDoNothing()
    .returning({ id: assignments.id });
  return rows.length === 1;
}

/** The assignment of an assessment to a candidate. */
export async function findAssignment(
  sql: Database,
  { candidateId, assessmentId }: Pick<Assignment, 'candidateId' | 'assessmentId'>,
): Promise<Assignment | undefined> {
  const [assignment] = await drizzle(sql)
    .select()
    .from(assignments)
    .where(
      and(eq(assignments.candidateId, candidateId), eq(assignments.assessmentId, assessmentId)),
    );
  return assignment;
}
