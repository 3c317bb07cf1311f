/** Solutions and ratings: each command is one transaction, and returns the state of its deliveries. */
import { randomUUIDv7 } from 'node:crypto';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import type { Database, Enqueued, Transaction } from 'relink';
import { type Handlers, RpcError, unknownId } from 'relink/rpc';
import type {
  HiringService,
  SubmitSolutionRequest,
} from '../../../gen/hiring/v1/hiring_service_pb.ts';
import { SolutionState } from '../../../gen/hiring/v1/solution_pb.ts';
import type { Kit, ServiceContext } from '../../service.ts';
import { candidateCreated, solveExercise } from '../domain/candidate.ts';
import {
  assessmentRatingChanged,
  countResult,
  countRevocation,
  type Rating,
  ratingOf,
} from '../domain/rating.ts';
import {
  exerciseCompletedMoreThenTenTimes,
  isEleventh,
  isSameSubmission,
  revokeSolution,
  type Solution,
  solutionCompleted,
  solutionRevoked,
  submitSolution,
} from '../domain/solution.ts';
import { findAssessmentReplica } from '../store/assessmentReplicas.ts';
import { lockCandidate, saveCandidate } from '../store/candidates.ts';
import { findRating, lockRating, saveRating } from '../store/ratings.ts';
import {
  countCompletion,
  findSolution,
  findTask,
  insertSolution,
  lockSolution,
  saveRevocation,
  type Task,
} from '../store/solutions.ts';
import { notAssigned, solutionNotAccepted } from './reasons.ts';

/** What a command did: nothing when it was done before. */
interface Done {
  readonly solution: Solution;
  readonly rating: Rating;
  readonly messages: readonly Enqueued[];
}

export function solutionMethods({
  sql,
  kit,
}: Pick<ServiceContext, 'sql' | 'kit'>): Pick<
  Handlers<typeof HiringService>,
  'submitSolution' | 'revokeSolution' | 'getAssessmentRating'
> {
  return {
    submitSolution: async (request) => {
      const wanted = wantedBy(request, new Date());
      const done =
        (await sql.begin((tx) => submit(tx, kit, wanted))) ?? (await requireSame(sql, wanted));
      return respond(kit, done);
    },
    revokeSolution: async ({ solutionId }) => {
      const done = await sql.begin((tx) => revoke(tx, kit, solutionId, new Date()));
      return respond(kit, done);
    },
    getAssessmentRating: async ({ assessmentId }) => {
      const rating = await findRating(sql, assessmentId);
      if (rating) return { rating: ratingToWire(rating) };
      const assessment = await findAssessmentReplica(sql, assessmentId);
      if (!assessment) throw unknownId('assessment_id', 'assessment');
      return { rating: ratingToWire(unrated(assessment.id)) };
    },
  };
}

/** Undefined when the id is taken. Rows are locked as solution, rating, exercise, candidate. */
async function submit(tx: Transaction, kit: Kit, wanted: Solution): Promise<Done | undefined> {
  const task = await findTask(tx, wanted);
  const { authorId, title } = requireSolvable(task);
  const solution = { ...wanted, authorId };
  if (!(await insertSolution(tx, solution))) return undefined;
  const isAccepted = solution.state === 'accepted';
  const before = await lockRating(tx, solution.assessmentId, solution.submittedAt);
  const rating = countResult(before, isAccepted, solution.submittedAt);
  await saveRating(tx, rating);
  const messages = await kit.enqueue(tx, 'COMM-060', [assessmentRatingChanged(rating)]);
  if (isAccepted) messages.push(...(await accept(tx, kit, solution, title)));
  return { solution, rating, messages };
}

async function accept(
  tx: Transaction,
  kit: Kit,
  solution: Solution,
  title: string,
): Promise<Enqueued[]> {
  const messages = await kit.enqueue(tx, 'COMM-040', [solutionCompleted(solution)]);
  if (isEleventh(await countCompletion(tx, solution.exerciseId))) {
    const message = exerciseCompletedMoreThenTenTimes(solution, title);
    messages.push(...(await kit.enqueue(tx, 'COMM-050', [message])));
  }
  const candidate = (await lockCandidate(tx, solution.candidateId))!;
  const relieved = solveExercise(candidate, solution.exerciseId);
  if (relieved === candidate) return messages;
  await saveCandidate(tx, relieved);
  return [...messages, ...(await kit.enqueue(tx, 'COMM-030', [candidateCreated(relieved)]))];
}

async function revoke(tx: Transaction, kit: Kit, id: string, now: Date): Promise<Done> {
  const solution = await lockSolution(tx, id);
  if (!solution) throw unknownId('solution_id', 'solution');
  const before = await lockRating(tx, solution.assessmentId, now);
  if (solution.state === 'revoked') return { solution, rating: before, messages: [] };
  if (solution.state === 'rejected') throw solutionNotAccepted();
  const revoked = revokeSolution(solution, now);
  await saveRevocation(tx, revoked);
  const rating = countRevocation(before, now);
  await saveRating(tx, rating);
  const messages = [
    ...(await kit.enqueue(tx, 'COMM-060', [assessmentRatingChanged(rating)])),
    ...(await kit.enqueue(tx, 'COMM-040', [solutionRevoked(revoked)])),
  ];
  return { solution: revoked, rating, messages };
}

/** @throws RpcError naming what is unknown or missing */
function requireSolvable(task: Task): { authorId: string; title: string } {
  if (!task.isCandidate) throw unknownId('candidate_id', 'candidate');
  if (!task.isAssigned) throw notAssigned();
  const { authorId, title } = task;
  if (authorId === undefined) throw unknownId('assessment_id', 'assessment replica');
  if (title === undefined) throw unknownId('exercise_id', 'exercise of the assessment');
  return { authorId, title };
}

/** A repeated submission returns what the first one made, if it is the same solution. */
async function requireSame(sql: Database, wanted: Solution): Promise<Done> {
  const solution = await findSolution(sql, wanted.id);
  const rating = await findRating(sql, wanted.assessmentId);
  if (solution && rating && isSameSubmission(solution, wanted))
    return { solution, rating, messages: [] };
  const what = 'this solution_id is taken by a solution with other fields';
  throw new RpcError('ALREADY_EXISTS', 'ID_TAKEN', what);
}

function wantedBy(request: SubmitSolutionRequest, now: Date): Solution {
  const { solutionId, candidateId, assessmentId, exerciseId, correct, acceptedBy } = request;
  const ids = {
    id: solutionId?.toLowerCase() ?? randomUUIDv7(),
    candidateId: candidateId.toLowerCase(),
    assessmentId: assessmentId.toLowerCase(),
    exerciseId: exerciseId.toLowerCase(),
    authorId: '', // known when the assessment is found
  };
  return submitSolution({ ...ids, acceptedBy }, correct, now);
}

async function respond(kit: Kit, { solution, rating, messages }: Done) {
  return {
    solution: solutionToWire(solution),
    rating: ratingToWire(rating),
    deliveries: await kit.deliver(messages),
  };
}

const STATES = {
  accepted: SolutionState.ACCEPTED,
  rejected: SolutionState.REJECTED,
  revoked: SolutionState.REVOKED,
} as const;

function solutionToWire(solution: Solution) {
  const { id: solutionId, state, submittedAt, revokedAt, ...ids } = solution;
  return {
    solutionId,
    ...ids,
    state: STATES[state],
    submittedAt: timestampFromDate(submittedAt),
    ...(revokedAt && { revokedAt: timestampFromDate(revokedAt) }),
  };
}

/** An assessment before its first result. */
function unrated(assessmentId: string): Omit<Rating, 'ratedAt'> {
  return { assessmentId, version: 0n, results: 0n, accepted: 0n };
}

function ratingToWire(rating: Omit<Rating, 'ratedAt'> & { ratedAt?: Date }) {
  const { ratedAt, ...counts } = rating;
  return {
    ...counts,
    rating: ratingOf(rating),
    ...(ratedAt && { ratedAt: timestampFromDate(ratedAt) }),
  };
}
