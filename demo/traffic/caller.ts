/**
 * A careful caller of the public APIs: it chooses the id of what it creates, and retries at another
 * replica when the answer is lost. Updates set a state, so they are retried too; each retry may
 * make one more version. All of it is recorded in the history.
 */
import { randomUUIDv7 } from 'node:crypto';
import type { Assessment } from '../../gen/assessments/v1/assessment_pb.ts';
import { AssessmentsService } from '../../gen/assessments/v1/assessments_service_pb.ts';
import type { AssessmentRating } from '../../gen/hiring/v1/assessment_rating_pb.ts';
import { HiringService } from '../../gen/hiring/v1/hiring_service_pb.ts';
import { ManagementService } from '../../gen/management/v1/management_service_pb.ts';
import { createRpcClient, type RpcClient } from '../../rpc/client.ts';
import { inventCandidateName, inventExercises, inventText, inventTitle } from './fakeContent.ts';
import { inventNames } from './fakeNames.ts';
import type { History, RecordedAssignment, RecordedSolution } from './history.ts';
import { type CallResult, callWithRetries } from './retry.ts';

/** Longer than the wait for the receipts of a sync link. */
const DEADLINE_MS = 10_000;
/** Share of assessment updates that change the exercises' texts; the others change the title. */
const TEXT_CHANGE_SHARE = 0.3;
/** Share of assignments whose free text names a manager, as people do. */
const NAMED_SHARE = 0.05;

/** The services that callers talk to. */
export const PUBLIC_SERVICES = ['assessments', 'hiring', 'management'] as const;
/** host:port of every replica of each. */
export type PublicAddresses = Readonly<Record<(typeof PUBLIC_SERVICES)[number], readonly string[]>>;

export interface CallerOptions {
  readonly addresses: PublicAddresses;
  readonly connections: number;
  readonly history: History;
}

/** Does not reject when a call fails: the outcome is in `CallResult`. */
export class Caller {
  readonly history: History;
  /** Whether some assignments say by name which manager asked for them. */
  namesManagers = true;
  readonly #assessments: RpcClient<typeof AssessmentsService>;
  readonly #hiring: RpcClient<typeof HiringService>;
  readonly #management: RpcClient<typeof ManagementService>;

  constructor({ addresses, connections: channels, history }: CallerOptions) {
    this.history = history;
    const options = { channels, deadlineMs: DEADLINE_MS };
    const { assessments, hiring, management } = addresses;
    this.#assessments = createRpcClient(AssessmentsService, [...assessments], options);
    this.#hiring = createRpcClient(HiringService, [...hiring], options);
    this.#management = createRpcClient(ManagementService, [...management], options);
  }

  async registerManager(managerId: string = randomUUIDv7()): Promise<CallResult> {
    const names = inventNames();
    const { managers } = this.history;
    const result = await callWithRetries(() =>
      this.#assessments.registerManager({ managerId, ...names }),
    );
    const manager = result.answer?.manager;
    if (manager) managers.acknowledge(managerId, manager.version, namesOf(manager));
    else if (result.isUnknown) managers.recordUnknown(managerId);
    return result;
  }

  async renameManager(managerId: string): Promise<CallResult> {
    const names = inventNames();
    const { managers } = this.history;
    const result = await callWithRetries(
      () => this.#assessments.updateManager({ managerId, ...names }),
      { onLostAnswer: () => managers.recordUnknown(managerId) },
    );
    const manager = result.answer?.manager;
    if (manager) managers.acknowledge(managerId, manager.version, namesOf(manager));
    return result;
  }

  /** The answer holds the assessment with the ids of its exercises. */
  async createAssessment(authorId: string) {
    const assessmentId = randomUUIDv7();
    const exercises = inventExercises();
    const draft = { assessmentId, authorId, ...inventTitle(), exercises };
    const result = await callWithRetries(() => this.#assessments.createAssessment(draft));
    const assessment = result.answer?.assessment;
    if (assessment) {
      this.#recordAssessment(assessment);
      for (const [at, { exerciseId }] of assessment.exercises.entries())
        this.history.difficulties.acknowledge(exerciseId, exercises[at]?.difficulty ?? 1);
    } else if (result.isUnknown) this.history.assessments.recordUnknown(assessmentId);
    return result;
  }

  /** Changes the title, or the texts of the exercises. */
  async updateAssessment(assessmentId: string): Promise<CallResult> {
    const { assessments } = this.history;
    const known = assessments.get(assessmentId)?.fields?.exercises ?? [];
    const exercises = known.map(({ id, title }) => ({ exerciseId: id, title, text: inventText() }));
    const isText = known.length > 0 && Math.random() < TEXT_CHANGE_SHARE;
    const change = isText ? { exercises } : inventTitle();
    const result = await callWithRetries(
      () => this.#assessments.updateAssessment({ assessmentId, ...change }),
      { onLostAnswer: () => assessments.recordUnknown(assessmentId) },
    );
    if (result.answer?.assessment) this.#recordAssessment(result.answer.assessment);
    return result;
  }

  /** Checks whether hiring has the assessment. */
  findReplica(assessmentId: string): Promise<CallResult> {
    return callWithRetries(() => this.#hiring.getAssessmentReplica({ assessmentId }), {
      notYet: 'ID_UNKNOWN',
    });
  }

  async registerCandidate() {
    const candidateId = randomUUIDv7();
    const name = inventCandidateName();
    const { candidates } = this.history;
    const result = await callWithRetries(() =>
      this.#hiring.registerCandidate({ candidateId, name }),
    );
    if (result.answer) candidates.acknowledge(candidateId, { name });
    else if (result.isUnknown) candidates.recordUnknown(candidateId, { name });
    return result;
  }

  /** `isNotYet` while management does not know the candidate. */
  async assign(assignment: RecordedAssignment): Promise<CallResult> {
    const assignmentId = randomUUIDv7();
    const { assignments } = this.history;
    const assignedBy =
      this.namesManagers && Math.random() < NAMED_SHARE ? this.#authorOf(assignment) : undefined;
    const order = { assignmentId, ...assignment, ...(assignedBy && { assignedBy }) };
    const result = await callWithRetries(() => this.#management.assignAssessment(order), {
      notYet: 'ID_UNKNOWN',
    });
    if (result.answer) assignments.acknowledge(assignmentId, assignment);
    else if (result.isUnknown) assignments.recordUnknown(assignmentId, assignment);
    return result;
  }

  async promote(candidateId: string): Promise<CallResult> {
    const { promotions } = this.history;
    const result = await callWithRetries(() => this.#management.promoteCandidate({ candidateId }));
    if (result.answer) promotions.acknowledge(candidateId, true);
    else if (result.isUnknown) promotions.recordUnknown(candidateId, true);
    return result;
  }

  /** `isNotYet` while hiring does not know the assignment. */
  async submit(solution: RecordedSolution) {
    const { candidateId, assessmentId, exerciseId, isCorrect: correct } = solution;
    const request = { solutionId: randomUUIDv7(), candidateId, assessmentId, exerciseId, correct };
    const { solutionId } = request;
    const { solutions } = this.history;
    const result = await callWithRetries(() => this.#hiring.submitSolution(request), {
      notYet: 'NOT_ASSIGNED',
      onLostAnswer: () => this.#recordUnknownRating(),
    });
    if (result.answer) solutions.acknowledge(solutionId, solution);
    else if (result.isUnknown) solutions.recordUnknown(solutionId, solution);
    this.#recordRating(result.answer?.rating);
    return result;
  }

  async revoke(solutionId: string): Promise<CallResult> {
    const { revocations } = this.history;
    const result = await callWithRetries(() => this.#hiring.revokeSolution({ solutionId }), {
      onLostAnswer: () => this.#recordUnknownRating(),
    });
    if (result.answer) revocations.acknowledge(solutionId, true);
    else if (result.isUnknown) revocations.recordUnknown(solutionId, true);
    this.#recordRating(result.answer?.rating);
    return result;
  }

  close(): void {
    for (const client of [this.#assessments, this.#hiring, this.#management]) client.close();
  }

  /** The first and last name of the manager who wrote the assessment, as far as answers told. */
  #authorOf({ assessmentId }: RecordedAssignment): string | undefined {
    const { assessments, managers } = this.history;
    const authorId = assessments.get(assessmentId)?.fields?.authorId;
    const names = authorId === undefined ? undefined : managers.get(authorId)?.fields;
    return names && `${names.firstName} ${names.lastName}`;
  }

  #recordAssessment({ assessmentId, version, ...told }: Assessment): void {
    const { authorId, title, knowledgeArea, titleWithoutArea } = told;
    this.history.assessments.acknowledge(assessmentId, version, {
      authorId,
      title,
      knowledgeArea,
      titleWithoutArea,
      exercises: told.exercises.map((one) => ({
        id: one.exerciseId,
        title: one.title,
        text: one.text,
      })),
    });
  }

  #recordUnknownRating(): void {
    this.history.unknownRatings += 1;
  }

  #recordRating(rating: AssessmentRating | undefined): void {
    if (!rating) return;
    const { assessmentId, version, results, accepted } = rating;
    this.history.recordRating(assessmentId, version, { rating: rating.rating, results, accepted });
  }
}

function namesOf({ firstName, lastName }: { firstName: string; lastName: string }) {
  return { firstName, lastName };
}
