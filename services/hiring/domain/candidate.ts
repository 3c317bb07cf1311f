/** A candidate, and the business fact about one. */

import type { Message } from 'relink';
import type { CandidateCreatedV0 } from '../../../gen/events.ts';

export interface Candidate {
  readonly id: string;
  readonly version: bigint;
  readonly name: string;
  readonly status: 'candidate' | 'teacher';
  /** Ids of the exercises that are assigned and not solved yet. */
  readonly exercisesToSolve: readonly string[];
  readonly createdAt: Date;
}

/** The limit in the contract of the event. Exercises beyond it are not assigned. */
export const MAX_EXERCISES_TO_SOLVE = 1_000;

export function registerCandidate(id: string, name: string, now: Date): Candidate {
  return { id, version: 1n, name, status: 'candidate', exercisesToSolve: [], createdAt: now };
}

/** Whether registering again with this id means the same candidate. */
export function isSameRegistration(candidate: Candidate, name: string): boolean {
  return candidate.name === name;
}

/** The candidate with more exercises to solve; the same object when there is nothing new. */
export function assignExercises(candidate: Candidate, exercises: readonly string[]): Candidate {
  const known = new Set(candidate.exercisesToSolve);
  const room = MAX_EXERCISES_TO_SOLVE - known.size;
  const added = exercises.filter((id) => !known.has(id)).slice(0, room);
  if (added.length === 0) return candidate;
  return nextVersion(candidate, { exercisesToSolve: [...candidate.exercisesToSolve, ...added] });
}

/** The candidate without an exercise to solve; the same object when it was not there. */
export function solveExercise(candidate: Candidate, exercise: string): Candidate {
  const left = candidate.exercisesToSolve.filter((id) => id !== exercise);
  if (left.length === candidate.exercisesToSolve.length) return candidate;
  return nextVersion(candidate, { exercisesToSolve: left });
}

/** The candidate as a teacher; the same object when it is one already. */
export function makeTeacher(candidate: Candidate): Candidate {
  return candidate.status === 'teacher' ? candidate : nextVersion(candidate, { status: 'teacher' });
}

function nextVersion(
  candidate: Candidate,
  change: Partial<Pick<Candidate, 'status' | 'exercisesToSolve'>>,
): Candidate {
  return { ...candidate, ...change, version: candidate.version + 1n };
}

/** COMM-030: the whole state, after registering and after every change; a backfill sends it too. */
export function candidateCreated(candidate: Candidate): Message<CandidateCreatedV0> {
  const payload = {
    candidate_id: candidate.id,
    candidate_name: candidate.name,
    created_at: candidate.createdAt.toISOString(),
    status: candidate.status,
    exercises_to_solve: candidate.exercisesToSolve.map((id) => ({ exercise_id: id })),
  };
  return { event: 'CandidateCreated', version: candidate.version, payload };
}
