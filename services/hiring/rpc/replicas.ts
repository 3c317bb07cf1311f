/** The replicas, as hiring sees them now. */

import { type Handlers, unknownId } from 'relink/rpc';
import type { HiringService } from '../../../gen/hiring/v1/hiring_service_pb.ts';
import { findManagerReplica } from '../../managerReplicas.ts';
import { joinTitle, titleOfRow } from '../../mappings/titles.ts';
import type { ServiceContext } from '../../service.ts';
import { findAssessmentReplica } from '../store/assessmentReplicas.ts';

export function replicaMethods({
  sql,
}: Pick<ServiceContext, 'sql'>): Pick<
  Handlers<typeof HiringService>,
  'getManagerReplica' | 'getAssessmentReplica'
> {
  return {
    getManagerReplica: async ({ managerId }) => {
      const manager = await findManagerReplica(sql, managerId);
      if (!manager) throw unknownId('manager_id', 'manager replica');
      const { id, firstName, lastName, ...rest } = manager;
      const names = { firstName: firstName ?? '', lastName: lastName ?? '' };
      return { manager: { managerId: id, ...names, ...rest } };
    },
    getAssessmentReplica: async ({ assessmentId }) => {
      const assessment = await findAssessmentReplica(sql, assessmentId);
      if (!assessment) throw unknownId('assessment_id', 'assessment replica');
      const { id, authorId, version, exercises } = assessment;
      const title = titleOfRow(assessment);
      const wired = exercises.map(({ exercise_id: exerciseId, ...rest }) => ({
        exerciseId,
        ...rest,
      }));
      return {
        assessment: {
          assessmentId: id,
          authorId,
          title: joinTitle(title),
          knowledgeArea: title.knowledge_area,
          titleWithoutArea: title.title,
          version,
          exercises: wired,
        },
      };
    },
  };
}
