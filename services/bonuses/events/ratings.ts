/** COMM-060 at bonuses: keeps the newest rating of every assessment. */
import { keepNewest } from '../../../link/inbox/replica.ts';
import { ratingReplica } from '../store/ratingReplicas.ts';

export const putRatings = keepNewest(ratingReplica, ({ rating }) => ({ rating }));
