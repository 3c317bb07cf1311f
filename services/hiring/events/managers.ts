/** COMM-010 at hiring: keeps the newest state of every manager. */
import { formal } from '../../../link/inbox/handler.ts';
import { upsertNewer } from '../../../link/inbox/upsertNewer.ts';
import { managerReplicaTable } from '../store/managerReplicas.ts';

export const putManagers = formal((tx, changes) =>
  upsertNewer(
    tx,
    managerReplicaTable,
    changes.map(({ key, version, payload }) => ({
      key,
      version,
      values: { first_name: payload.first_name, last_name: payload.last_name },
    })),
  ),
);
