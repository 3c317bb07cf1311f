/** An assessment that a candidate is to solve, and the business fact that it was assigned. */

import type { Message } from 'relink';
import type { AssessmentAssignedV0 } from '../../../gen/events.ts';

export interface Assignment {
  readonly id: string;
  readonly assessmentId: string;
  readonly candidateId: string;
  readonly assignedBy: string;
  readonly assignedAt: Date;
}

/** Who assigns when the caller does not say. */
export const DEFAULT_ASSIGNER = 'management';

/** COMM-070: an assignment is made once and never changed. */
export function assessmentAssigned(assignment: Assignment): Message<AssessmentAssignedV0> {
  const payload = {
    assignment_id: assignment.id,
    assessment_id: assignment.assessmentId,
    candidate_id: assignment.candidateId,
    assigned_by: assignment.assignedBy,
    assigned_at: assignment.assignedAt.toISOString(),
  };
  return { event: 'AssessmentAssigned', version: 1n, payload };
}
