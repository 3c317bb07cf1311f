/** COMM-030 at management: keeps the newest state of every candidate. */
import type { CandidateCreatedV0 } from '../../../gen/events.ts';
import { keepNewest } from '../../../link/inbox/replica.ts';
import { candidateReplica } from '../store/candidates.ts';

export const putCandidates = keepNewest(candidateReplica, (payload) => {
  const candidate = payload as CandidateCreatedV0['payload'];
  return {
    name: candidate.candidate_name,
    status: candidate.status,
    exercises_to_solve: (candidate.exercises_to_solve ?? []).map((one) => one.exercise_id),
  };
});
