/** The API of hiring: candidates, solutions, ratings, and the replicas as hiring sees them. */
import type { HiringService } from '../../../gen/hiring/v1/hiring_service_pb.ts';
import type { LinkKit } from '../../../link/kit.ts';
import type { Handlers } from '../../../rpc/handlers.ts';
import type { Database } from '../../../runtime/postgres.ts';
import { candidateMethods } from './candidates.ts';
import { replicaMethods } from './replicas.ts';
import { solutionMethods } from './solutions.ts';

export function hiringHandlers(own: {
  sql: Database;
  kit: LinkKit;
}): Handlers<typeof HiringService> {
  return { ...replicaMethods(own), ...candidateMethods(own), ...solutionMethods(own) };
}
