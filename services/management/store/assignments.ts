/** Assignments in PostgreSQL. */
import type { Database, Transaction } from 'relink';
import type { Assignment } from '../domain/assignment.ts';

/** Inserts an assignment; answers false when its id is taken or the candidate has the assessment. */
export async function insertAssignment(tx: Transaction, assignment: Assignment): Promise<boolean> {
  const rows = await tx`
    insert into assignments (id, candidate_id, assessment_id, assigned_by, assigned_at)
    values (${assignment.id}, ${assignment.candidateId}, ${assignment.assessmentId},
      ${assignment.assignedBy}, ${assignment.assignedAt.toISOString()})
    on conflict do nothing returning id`;
  return rows.length === 1;
}

/** The assignment of an assessment to a candidate. */
export async function findAssignment(
  sql: Database,
  { candidateId, assessmentId }: Pick<Assignment, 'candidateId' | 'assessmentId'>,
): Promise<Assignment | undefined> {
  const [row] = await sql<AssignmentRow[]>`
    select id, candidate_id, assessment_id, assigned_by, assigned_at::text as assigned_at
    from assignments where candidate_id = ${candidateId} and assessment_id = ${assessmentId}`;
  return (
    row && {
      id: row.id,
      candidateId: row.candidate_id,
      assessmentId: row.assessment_id,
      assignedBy: row.assigned_by,
      assignedAt: new Date(row.assigned_at),
    }
  );
}

interface AssignmentRow {
  id: string;
  candidate_id: string;
  assessment_id: string;
  assigned_by: string;
  assigned_at: string;
}
