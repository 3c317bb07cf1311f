import { HiringService } from '../../gen/hiring/v1/hiring_service_pb.ts';
import { serve } from '../../link/rpc/server.ts';
import { runService } from '../service.ts';
import { putManagers } from './events/managers.ts';
import { hiringHandlers } from './rpc/hiring.ts';
import { managerReplica } from './store/managerReplicas.ts';

await runService({
  name: 'hiring',
  links: { handlers: { 'COMM-010': putManagers }, replicas: { 'COMM-010': managerReplica } },
  services: (own) => [serve(HiringService, hiringHandlers(own))],
});
