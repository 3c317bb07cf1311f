import { BonusesService } from '../../gen/bonuses/v1/bonuses_service_pb.ts';
import { serve } from '../../link/rpc/server.ts';
import { runService } from '../service.ts';
import { putManagers } from './events/managers.ts';
import { bonusesHandlers } from './rpc/bonuses.ts';
import { managerReplica } from './store/managerReplicas.ts';

await runService({
  name: 'bonuses',
  links: { handlers: { 'COMM-010': putManagers }, replicas: { 'COMM-010': managerReplica } },
  services: (own) => [serve(BonusesService, bonusesHandlers(own))],
});
