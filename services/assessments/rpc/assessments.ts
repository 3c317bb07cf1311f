/** The API of assessments: managers and assessments. */
import type { AssessmentsService } from '../../../gen/assessments/v1/assessments_service_pb.ts';
import type { LinkKit } from '../../../link/kit.ts';
import type { Handlers } from '../../../rpc/handlers.ts';
import type { Database } from '../../../runtime/postgres.ts';
import { managerMethods } from './managers.ts';
import { writingMethods } from './writing.ts';

export function assessmentsHandlers(own: {
  sql: Database;
  kit: LinkKit;
}): Handlers<typeof AssessmentsService> {
  return { ...managerMethods(own), ...writingMethods(own) };
}
