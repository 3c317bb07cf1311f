/** A candidate's solution of one exercise, and the business facts about it. */

import type { Message } from 'relink';
import type {
  ExerciseCompletedMoreThenTenTimesV0,
  SolutionCompletedV1,
  SolutionRevokedV0,
} from '../../../gen/events.ts';

export interface Solution {
  readonly id: string;
  readonly candidateId: string;
  readonly assessmentId: string;
  readonly exerciseId: string;
  /** The manager who wrote the assessment. */
  readonly authorId: string;
  /** Who or what judged it; empty when unknown. */
  readonly acceptedBy: string;
  readonly state: 'accepted' | 'rejected' | 'revoked';
  readonly submittedAt: Date;
  readonly revokedAt?: Date;
}

/** With this many correct completions an exercise is completed more than ten times. */
const COMPLETIONS_OF_AN_EASY_EXERCISE = 11n;
/** COMM-040 is ordered by solution: a revocation follows its completion. */
const COMPLETED_VERSION = 1n;
const REVOKED_VERSION = 2n;

export function submitSolution(
  solution: Omit<Solution, 'state' | 'submittedAt' | 'revokedAt'>,
  isCorrect: boolean,
  now: Date,
): Solution {
  return { ...solution, state: isCorrect ? 'accepted' : 'rejected', submittedAt: now };
}

/** Only of an accepted solution. */
export function revokeSolution(solution: Solution, now: Date): Solution {
  return { ...solution, state: 'revoked', revokedAt: now };
}

/** Whether submitting again with this id means the same solution. */
export function isSameSubmission(solution: Solution, wanted: Solution): boolean {
  const wasCorrect = (one: Solution) => one.state !== 'rejected';
  return (
    solution.candidateId === wanted.candidateId &&
    solution.assessmentId === wanted.assessmentId &&
    solution.exerciseId === wanted.exerciseId &&
    solution.acceptedBy === wanted.acceptedBy &&
    wasCorrect(solution) === wasCorrect(wanted)
  );
}

/** Whether this correct completion of an exercise is the one to report; only one ever is. */
export function isEleventh(completed: bigint): boolean {
  return completed === COMPLETIONS_OF_AN_EASY_EXERCISE;
}

/** COMM-040 */
export function solutionCompleted(solution: Solution): Message<SolutionCompletedV1> {
  const payload = {
    ...factsOf(solution),
    completed_at: solution.submittedAt.toISOString(),
    accepted_by: solution.acceptedBy,
  };
  return { event: 'SolutionCompleted', version: COMPLETED_VERSION, payload };
}

/** COMM-040 */
export function solutionRevoked(solution: Solution): Message<SolutionRevokedV0> {
  const payload = {
    ...factsOf(solution),
    revoked_at: solution.revokedAt!.toISOString(),
  };
  return { event: 'SolutionRevoked', version: REVOKED_VERSION, payload };
}

/** COMM-050; `solution` is the eleventh correct one. */
export function exerciseCompletedMoreThenTenTimes(
  { exerciseId, authorId, candidateId }: Solution,
  title: string,
): Message<ExerciseCompletedMoreThenTenTimesV0> {
  const payload = {
    exercise_id: exerciseId,
    title,
    author_id: authorId,
    candidate_id: candidateId,
  };
  return { event: 'ExerciseCompletedMoreThenTenTimes', version: 1n, payload };
}

function factsOf(solution: Solution) {
  return {
    solution_id: solution.id,
    assessment_id: solution.assessmentId,
    exercise_id: solution.exerciseId,
    candidate_id: solution.candidateId,
    author_id: solution.authorId,
  };
}
