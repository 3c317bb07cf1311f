import { serve } from 'relink/rpc';
import { BonusesService } from '../../gen/bonuses/v1/bonuses_service_pb.ts';
import { FinanceService } from '../../gen/finance/v1/finance_service_pb.ts';
import { HiringService } from '../../gen/hiring/v1/hiring_service_pb.ts';
import { managerReplica, putManagers } from '../managerReplicas.ts';
import { runService } from '../service.ts';
import { pullRatings, ratingLookup } from './events/ratingLookup.ts';
import { putRatings } from './events/ratings.ts';
import { bookSolutions } from './events/solutions.ts';
import { bonusesHandlers } from './rpc/bonuses.ts';
import { ratingReplica } from './store/ratingReplicas.ts';

await runService({
  name: 'bonuses',
  links: ({ clientOf }) => {
    const ratings = ratingLookup(() => clientOf(HiringService, 'hiring'));
    return {
      handlers: {
        'COMM-010': putManagers,
        'COMM-040': bookSolutions(ratings),
        'COMM-060': putRatings,
      },
      replicas: { 'COMM-010': managerReplica, 'COMM-060': ratingReplica },
      removals: { 'COMM-010': { 1: ['dropManagerNames'] } },
      freeText: [{ table: 'bookings', column: 'accepted_by' }],
      pulls: { 'COMM-060': pullRatings(ratings) },
    };
  },
  services: ({ sql, clientOf }) => {
    const finance = () => clientOf(FinanceService, 'finance');
    return [serve(BonusesService, bonusesHandlers({ sql, finance }))];
  },
});
