import { AssessmentsService } from '../../gen/assessments/v1/assessments_service_pb.ts';
import { serve } from '../../link/rpc/server.ts';
import { runService } from '../service.ts';
import { assessmentsHandlers } from './rpc/assessments.ts';
import { managerSource } from './store/managers.ts';

await runService({
  name: 'assessments',
  links: { handlers: {}, sources: { 'COMM-010': managerSource } },
  services: (own) => [serve(AssessmentsService, assessmentsHandlers(own))],
});
