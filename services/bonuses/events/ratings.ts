/** COMM-060 at bonuses: keeps the newest rating of every assessment. */
import { formal } from '../../../link/inbox/handler.ts';
import { upsertNewer } from '../../../link/inbox/upsertNewer.ts';
import { ratingReplicaTable } from '../store/ratingReplicas.ts';

export const putRatings = formal((tx, changes) =>
  upsertNewer(
    tx,
    ratingReplicaTable,
    changes.map(({ key, version, payload }) => ({
      key,
      version,
      values: { rating: payload.rating },
    })),
  ),
);
