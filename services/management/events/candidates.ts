/** COMM-030 at management: keeps the newest state of every candidate. */
import type { CandidateCreatedV0 } from '../../../gen/events.ts';
import { formal } from '../../../link/inbox/handler.ts';
import { upsertNewer } from '../../../link/inbox/upsertNewer.ts';
import { candidateReplicaTable } from '../store/candidates.ts';

export const putCandidates = formal((tx, changes) =>
  upsertNewer(
    tx,
    candidateReplicaTable,
    changes.map(({ key, version, payload }) => {
      const candidate = payload as CandidateCreatedV0['payload'];
      return {
        key,
        version,
        values: {
          name: candidate.candidate_name,
          status: candidate.status,
          exercises_to_solve: (candidate.exercises_to_solve ?? []).map((one) => one.exercise_id),
        },
      };
    }),
  ),
);
