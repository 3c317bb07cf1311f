/**
 * COMM-070 at hiring: from now on the candidate may solve the assessment, and has its exercises to
 * solve. Those that hiring does not know yet come with the assessment (assignedExercises.ts).
 */
import { enqueue, functional } from 'relink';
import { type LinkEvent, links } from '../../links.ts';
import { assignExercises, candidateCreated } from '../domain/candidate.ts';
import { holdExercises } from '../store/assessmentReplicas.ts';
import { insertAssignment, lockCandidate, saveCandidate } from '../store/candidates.ts';

export const assignAssessments = functional<LinkEvent<'COMM-070'>>({
  AssessmentAssigned: async (tx, { payload }) => {
    const isNew = await insertAssignment(tx, {
      id: payload.assignment_id,
      candidateId: payload.candidate_id,
      assessmentId: payload.assessment_id,
      assignedBy: payload.assigned_by,
      assignedAt: payload.assigned_at,
    });
    if (!isNew) return;
    const known = await holdExercises(tx, payload.assessment_id);
    const candidate = await lockCandidate(tx, payload.candidate_id);
    if (!candidate) throw new Error(`there is no candidate ${payload.candidate_id}`);
    const assigned = assignExercises(candidate, known.exercises);
    const basis = { version: candidate.version, assessment: known.version };
    if (assigned === candidate) return basis;
    await saveCandidate(tx, assigned);
    await enqueue(tx, links['COMM-030'], [candidateCreated(assigned)]);
    return basis;
  },
});
