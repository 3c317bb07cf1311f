/** Candidates: each command is one transaction, and returns the state of its deliveries. */
import { randomUUIDv7 } from 'node:crypto';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import type { Database, Enqueued, Transaction } from 'relink';
import { type Handlers, RpcError, unknownId } from 'relink/rpc';
import type { HiringService } from '../../../gen/hiring/v1/hiring_service_pb.ts';
import type { Kit, ServiceContext } from '../../service.ts';
import {
  type Candidate,
  candidateCreated,
  isSameRegistration,
  makeTeacher,
  registerCandidate,
} from '../domain/candidate.ts';
import {
  findCandidate,
  insertCandidate,
  listAssigned,
  lockCandidate,
  saveCandidate,
} from '../store/candidates.ts';

export function candidateMethods({
  sql,
  kit,
}: Pick<ServiceContext, 'sql' | 'kit'>): Pick<
  Handlers<typeof HiringService>,
  'registerCandidate' | 'getCandidate' | 'makeTeacher'
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
    makeTeacher: async ({ candidateId }) => {
      const { teacher, messages } = await sql.begin((tx) => promote(tx, kit, candidateId));
      const assigned = await listAssigned(sql, teacher.id);
      return { candidate: toWire(teacher, assigned), deliveries: await kit.deliver(messages) };
    },
  };
}

async function promote(
  tx: Transaction,
  kit: Kit,
  id: string,
): Promise<{ teacher: Candidate; messages: Enqueued[] }> {
  const candidate = await lockCandidate(tx, id);
  if (!candidate) throw unknownId('candidate_id', 'candidate');
  const teacher = makeTeacher(candidate);
  if (teacher === candidate) return { teacher, messages: [] };
  await saveCandidate(tx, teacher);
  return { teacher, messages: await kit.enqueue(tx, 'COMM-030', [candidateCreated(teacher)]) };
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
