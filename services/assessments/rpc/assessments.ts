/** The API of assessments: managers and assessments. */

import type { Handlers } from 'relink/rpc';
import type { AssessmentsService } from '../../../gen/assessments/v1/assessments_service_pb.ts';
import type { ServiceContext } from '../../service.ts';
import { managerMethods } from './managers.ts';
import { writingMethods } from './writing.ts';

export function assessmentsHandlers(
  context: Pick<ServiceContext, 'sql' | 'kit' | 'links'>,
): Handlers<typeof AssessmentsService> {
  return { ...managerMethods(context), ...writingMethods(context) };
}
