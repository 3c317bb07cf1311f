/** COMM-030 at management: keeps the newest state of every candidate. */
import { keepNewest } from 'relink';
import type { LinkEvent } from '../../links.ts';
import { candidateReplica } from '../store/candidates.ts';

export const putCandidates = keepNewest<LinkEvent<'COMM-030'>>(candidateReplica, {
  CandidateCreated: (payload) => ({
    name: payload.candidate_name,
    status: payload.status,
    exercises_to_solve: (payload.exercises_to_solve ?? []).map((one) => one.exercise_id),
  }),
});
