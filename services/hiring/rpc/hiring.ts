/** The API of hiring: candidates, solutions, ratings, and the replicas as hiring sees them. */

import type { Handlers } from 'relink/rpc';
import type { HiringService } from '../../../gen/hiring/v1/hiring_service_pb.ts';
import type { ServiceContext } from '../../service.ts';
import { candidateMethods } from './candidates.ts';
import { replicaMethods } from './replicas.ts';
import { solutionMethods } from './solutions.ts';

export function hiringHandlers(
  context: Pick<ServiceContext, 'sql' | 'kit'>,
): Handlers<typeof HiringService> {
  return { ...replicaMethods(context), ...candidateMethods(context), ...solutionMethods(context) };
}
