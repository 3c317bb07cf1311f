/** COMM-020 and COMM-021 at hiring: keep the newest state of every assessment, whichever brings it. */
import { formal } from '../../../link/inbox/handler.ts';
import { upsertNewer } from '../../../link/inbox/upsertNewer.ts';
import { assessmentReplicaTable } from '../store/assessmentReplicas.ts';

export const putAssessments = formal((tx, changes) =>
  upsertNewer(
    tx,
    assessmentReplicaTable,
    changes.map(({ key, version, payload }) => ({
      key,
      version,
      values: {
        author_id: payload.author_replication_id,
        title: payload.title,
        exercises: payload.exercises ?? [],
      },
    })),
  ),
);
