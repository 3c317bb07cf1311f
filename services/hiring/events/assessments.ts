/** COMM-020 and COMM-021 at hiring: keep the newest state of every assessment, whichever brings it. */
import { keepNewest } from '../../../link/inbox/replica.ts';
import { assessmentReplica } from '../store/assessmentReplicas.ts';

export const putAssessments = keepNewest(assessmentReplica, (payload) => ({
  author_id: payload.author_replication_id,
  title: payload.title,
  exercises: payload.exercises ?? [],
}));
