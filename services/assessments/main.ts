import { serve } from 'relink/rpc';
import { AssessmentsService } from '../../gen/assessments/v1/assessments_service_pb.ts';
import { runService } from '../service.ts';
import { raiseDifficulties } from './events/completions.ts';
import { assessmentsHandlers } from './rpc/assessments.ts';
import { createdAssessmentSource, updatedAssessmentSource } from './store/assessments.ts';
import { managerSource } from './store/managers.ts';

await runService({
  name: 'assessments',
  links: ({ links }) => ({
    handlers: { 'COMM-050': raiseDifficulties(links) },
    sources: {
      'COMM-010': managerSource,
      'COMM-020': createdAssessmentSource,
      'COMM-021': updatedAssessmentSource,
    },
    removals: {
      'COMM-010': { 1: ['requireNicknames'] },
      'COMM-020': { 1: ['requireKnowledgeArea'] },
      'COMM-021': { 1: ['requireKnowledgeArea'] },
    },
  }),
  services: (context) => [serve(AssessmentsService, assessmentsHandlers(context))],
});
