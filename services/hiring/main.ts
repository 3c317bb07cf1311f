import { serve } from 'relink/rpc';
import { HiringService } from '../../gen/hiring/v1/hiring_service_pb.ts';
import { managerReplica, putManagers } from '../managerReplicas.ts';
import { runService } from '../service.ts';
import { putAssessments, putChangedAssessments } from './events/assessments.ts';
import { assignAssessments } from './events/assignments.ts';
import { hiringHandlers } from './rpc/hiring.ts';
import { assessmentReplica } from './store/assessmentReplicas.ts';
import { candidateSource } from './store/candidates.ts';
import { ratingSource } from './store/ratings.ts';

await runService({
  name: 'hiring',
  links: {
    handlers: {
      'COMM-010': putManagers,
      'COMM-020': putAssessments,
      'COMM-021': putChangedAssessments,
      'COMM-070': assignAssessments,
    },
    replicas: {
      'COMM-010': managerReplica,
      'COMM-020': assessmentReplica,
      'COMM-021': assessmentReplica,
    },
    removals: {
      'COMM-010': { 1: ['dropManagerNames'] },
      'COMM-020': { 1: ['requireKnowledgeArea'] },
      'COMM-021': { 1: ['requireKnowledgeArea'] },
    },
    sources: { 'COMM-030': candidateSource, 'COMM-060': ratingSource },
    people: [{ table: 'candidates', column: 'name' }],
    freeText: [
      { table: 'assignments', column: 'assigned_by' },
      { table: 'solutions', column: 'accepted_by' },
    ],
  },
  services: (context) => [serve(HiringService, hiringHandlers(context))],
});
