/** Candidates: registering is one transaction, and returns the state of its deliveries. */
import { randomUUIDv7 } from 'node:crypto';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import type { Database } from 'relink';
import { type Handlers, RpcError, unknownId } from 'relink/rpc';
import type { HiringService } from '../../../gen/hiring/v1/hiring_service_pb.ts';
import type { ServiceContext } from '../../service.ts';
import {
  type Candidate,
  candidateCreated,
  isSameRegistration,
  registerCandidate,
} from '../domain/candidate.ts';
import { findCandidate, insertCandidate, listAssigned } from '../store/candidates.ts';

export function candidateMethods({
  sql,
  kit,
}: Pick<ServiceContext, 'sql' | 'kit'>): Pick<
  Handlers<typeof HiringService>,
  'registerCandidate' | 'getCandidate'
> {
  return {
    registerCandidate: async ({ candidateId, name }) => {
      const id = candidateId?.toLowerCase() ?? randomUUIDv7();
      const candidate = registerCandidate(id, name, new Date());
      const messages = await sql.begin(async (tx) => {
        if (!(await insertCandidate(tx, candidate))) return undefined;
        return kit.enqueue(tx, 'COMM-030', [candidateCreated(candidate)]);
      });
      if (!messages) return { candidate: await requireSame(sql, id, name) };
      return { candidate: toWire(candidate, []), deliveries: await kit.deliver(messages) };
    },
    getCandidate: async ({ candidateId }) => {
      const candidate = await findCandidate(sql, candidateId);
      if (!candidate) throw unknownId('candidate_id', 'candidate');
      return { candidate: toWire(candidate, await listAssigned(sql, candidate.id)) };
    },
  };
}

/** A repeated registration returns what the first one made, if it is for the same candidate. */
async function requireSame(sql: Database, id: string, name: string) {
  const candidate = await findCandidate(sql, id);
  if (candidate && isSameRegistration(candidate, name))
    return toWire(candidate, await listAssigned(sql, id));
  const what = 'this candidate_id is registered with another name';
  throw new RpcError('ALREADY_EXISTS', 'ID_TAKEN', what);
}

function toWire(candidate: Candidate, assignedAssessmentIds: string[]) {
  return {
    candidateId: candidate.id,
    name: candidate.name,
    status: candidate.status,
    exercisesToSolve: [...candidate.exercisesToSolve],
    assignedAssessmentIds,
    version: candidate.version,
    createdAt: timestampFromDate(candidate.createdAt),
  };
}
