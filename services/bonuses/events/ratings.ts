/** COMM-060 at bonuses: keeps the newest rating of every assessment. */
import { keepNewest } from 'relink';
import type { LinkEvent } from '../../links.ts';
import { ratingReplica } from '../store/ratingReplicas.ts';

export const putRatings = keepNewest<LinkEvent<'COMM-060'>>(ratingReplica, {
  AssessmentRatingChanged: ({ rating }) => ({ rating }),
});
