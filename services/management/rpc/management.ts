/** The API of management: assigning is one transaction, and returns the state of its deliveries. */
import { randomUUIDv7 } from 'node:crypto';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import type { Database } from 'relink';
import { type Handlers, RpcError, readPage, unknownId } from 'relink/rpc';
import {
  type AssignAssessmentRequest,
  CandidateSchema,
  type ManagementService,
} from '../../../gen/management/v1/management_service_pb.ts';
import { pageById, tokenOf } from '../../paging.ts';
import type { ServiceContext } from '../../service.ts';
import { type Assignment, assessmentAssigned, DEFAULT_ASSIGNER } from '../domain/assignment.ts';
import { type Candidate, statusOf } from '../domain/candidate.ts';
import { findAssignment, insertAssignment } from '../store/assignments.ts';
import { findCandidate, isCandidate, listCandidates, promote } from '../store/candidates.ts';
import { makeTeacher, type TellHiring } from './makeTeacher.ts';

interface ManagementContext extends Pick<ServiceContext, 'sql' | 'kit'> {
  readonly hiring: () => TellHiring;
}

export function managementHandlers({
  sql,
  kit,
  hiring,
}: ManagementContext): Handlers<typeof ManagementService> {
  return {
    assignAssessment: async (request) => {
      const assignment = wantedBy(request, new Date());
      const messages = await sql.begin(async (tx) => {
        if (!(await isCandidate(tx, assignment.candidateId)))
          throw unknownId('candidate_id', 'candidate');
        if (!(await insertAssignment(tx, assignment))) return undefined;
        return kit.enqueue(tx, 'COMM-070', [assessmentAssigned(assignment)]);
      });
      if (!messages) return { assignment: assignmentToWire(await requireSame(sql, request)) };
      return { assignment: assignmentToWire(assignment), deliveries: await kit.deliver(messages) };
    },
    promoteCandidate: async ({ candidateId }) => {
      // Before promoting: a replica that arrives in between would be returned without being promoted.
      if (!(await findCandidate(sql, candidateId))) throw unknownId('candidate_id', 'candidate');
      // A process that dies behind this call leaves what a repeated call completes.
      const { deliveries } = await makeTeacher(hiring(), candidateId);
      await promote(sql, candidateId, new Date());
      const candidate = await findCandidate(sql, candidateId);
      if (!candidate) throw unknownId('candidate_id', 'candidate');
      return { candidate: candidateToWire(candidate), deliveries };
    },
    listCandidates: async (request) => {
      const { entries, next } = await readPage({
        ...pageById(request),
        read: (page) => listCandidates(sql, page),
        keyOf: ({ id }) => id,
        entry: CandidateSchema,
        toWire: candidateToWire,
      });
      return { candidates: entries, nextPageToken: tokenOf(next) };
    },
  };
}

function wantedBy(request: AssignAssessmentRequest, now: Date): Assignment {
  return {
    id: request.assignmentId?.toLowerCase() ?? randomUUIDv7(),
    assessmentId: request.assessmentId.toLowerCase(),
    candidateId: request.candidateId.toLowerCase(),
    assignedBy: request.assignedBy ?? DEFAULT_ASSIGNER,
    assignedAt: now,
  };
}

/** Assigning again returns the existing assignment, if the request can be for that one. */
async function requireSame(sql: Database, request: AssignAssessmentRequest): Promise<Assignment> {
  const { assignmentId, assignedBy } = request;
  const assignment = await findAssignment(sql, request);
  const isMeant =
    assignment !== undefined &&
    (assignmentId === undefined ||
      (assignment.id === assignmentId.toLowerCase() &&
        assignment.assignedBy === (assignedBy ?? DEFAULT_ASSIGNER)));
  if (isMeant) return assignment;
  const what = assignment
    ? 'the candidate is assigned this assessment by another assignment'
    : 'this assignment_id is taken by an assignment with other fields';
  throw new RpcError('ALREADY_EXISTS', 'ID_TAKEN', what);
}

function assignmentToWire({ id, assignedAt, ...rest }: Assignment) {
  return { assignmentId: id, ...rest, assignedAt: timestampFromDate(assignedAt) };
}

function candidateToWire(candidate: Candidate) {
  const { id, name, exercisesToSolve, version, promotedAt } = candidate;
  return {
    candidateId: id,
    name,
    status: statusOf(candidate),
    exercisesToSolve: [...exercisesToSolve],
    version,
    ...(promotedAt && { promotedAt: timestampFromDate(promotedAt) }),
  };
}
