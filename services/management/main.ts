import { serve } from 'relink/rpc';
import { HiringService } from '../../gen/hiring/v1/hiring_service_pb.ts';
import { ManagementService } from '../../gen/management/v1/management_service_pb.ts';
import { runService } from '../service.ts';
import { putCandidates } from './events/candidates.ts';
import { managementHandlers } from './rpc/management.ts';
import { candidateReplica } from './store/candidates.ts';

await runService({
  name: 'management',
  links: {
    handlers: { 'COMM-030': putCandidates },
    replicas: { 'COMM-030': candidateReplica },
    people: [{ table: 'candidate_replicas', column: 'name' }],
    freeText: [{ table: 'assignments', column: 'assigned_by' }],
  },
  services: ({ sql, kit, clientOf }) => {
    const hiring = () => clientOf(HiringService, 'hiring');
    return [serve(ManagementService, managementHandlers({ sql, kit, hiring }))];
  },
});
