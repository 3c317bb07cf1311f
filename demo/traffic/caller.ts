/**
 * Callers of the public APIs, as careful ones are written: whoever creates something chooses its id, and
 * repeats the call at another replica when the answer is lost. Changes set a state, so they are
 * repeated too; each repetition may make one more version, which is written down. Every answer is.
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
import type { Told, ToldAssignment, ToldSolution } from './history.ts';
import { type CallResult, callRepeatedly } from './retry.ts';

/** Longer than the wait for the receipts of a sync link. */
const DEADLINE_MS = 10_000;
/** Three of ten changes of an assessment are to the exercises' texts, the others to its title. */
const TEXT_CHANGE_SHARE = 0.3;

/** The services that callers talk to. */
export const CALLED_SERVICES = ['assessments', 'hiring', 'management'] as const;
/** host:port of every replica of each. */
export type CalledAddresses = Readonly<Record<(typeof CALLED_SERVICES)[number], readonly string[]>>;

export type CallerOptions = {
  readonly addresses: CalledAddresses;
  readonly connections: number;
  readonly told: Told;
};

/** Never rejects for an answer of a service: see `CallResult`. */
export class Caller {
  readonly told: Told;
  readonly #assessments: RpcClient<typeof AssessmentsService>;
  readonly #hiring: RpcClient<typeof HiringService>;
  readonly #management: RpcClient<typeof ManagementService>;

  constructor({ addresses, connections: channels, told }: CallerOptions) {
    this.told = told;
    const options = { channels, deadlineMs: DEADLINE_MS };
    const { assessments, hiring, management } = addresses;
    this.#assessments = createRpcClient(AssessmentsService, [...assessments], options);
    this.#hiring = createRpcClient(HiringService, [...hiring], options);
    this.#management = createRpcClient(ManagementService, [...management], options);
  }

  async registerManager(managerId: string = randomUUIDv7()): Promise<CallResult> {
    const names = inventNames();
    const { managers } = this.told;
    const result = await callRepeatedly(() =>
      this.#assessments.registerManager({ managerId, ...names }),
    );
    const manager = result.answer?.manager;
    if (manager) managers.acknowledge(managerId, manager.version, namesOf(manager));
    else if (result.isUnknown) managers.loseAnswer(managerId);
    return result;
  }

  async renameManager(managerId: string): Promise<CallResult> {
    const names = inventNames();
    const { managers } = this.told;
    const result = await callRepeatedly(
      () => this.#assessments.updateManager({ managerId, ...names }),
      { onLost: () => managers.loseAnswer(managerId) },
    );
    const manager = result.answer?.manager;
    if (manager) managers.acknowledge(managerId, manager.version, namesOf(manager));
    return result;
  }

  /** Answers the assessment with the ids of its exercises. */
  async createAssessment(authorId: string) {
    const assessmentId = randomUUIDv7();
    const exercises = inventExercises();
    const draft = { assessmentId, authorId, title: inventTitle(), exercises };
    const result = await callRepeatedly(() => this.#assessments.createAssessment(draft));
    const assessment = result.answer?.assessment;
    if (assessment) {
      this.#hearAssessment(assessment);
      for (const [at, { exerciseId }] of assessment.exercises.entries())
        this.told.difficulties.acknowledge(exerciseId, exercises[at]?.difficulty ?? 1);
    } else if (result.isUnknown) this.told.assessments.loseAnswer(assessmentId);
    return result;
  }

  /** Changes the title, or the texts of the exercises. */
  async updateAssessment(assessmentId: string): Promise<CallResult> {
    const { assessments } = this.told;
    const known = assessments.get(assessmentId)?.fields?.exercises ?? [];
    const exercises = known.map(({ id, title }) => ({ exerciseId: id, title, text: inventText() }));
    const isText = known.length > 0 && Math.random() < TEXT_CHANGE_SHARE;
    const change = isText ? { exercises } : { title: inventTitle() };
    const result = await callRepeatedly(
      () => this.#assessments.updateAssessment({ assessmentId, ...change }),
      { onLost: () => assessments.loseAnswer(assessmentId) },
    );
    if (result.answer?.assessment) this.#hearAssessment(result.answer.assessment);
    return result;
  }

  /** Looks whether hiring has the assessment. */
  lookForAssessment(assessmentId: string): Promise<CallResult> {
    return callRepeatedly(() => this.#hiring.getAssessmentReplica({ assessmentId }), {
      notYet: 'ID_UNKNOWN',
    });
  }

  async registerCandidate() {
    const candidateId = randomUUIDv7();
    const name = inventCandidateName();
    const { candidates } = this.told;
    const result = await callRepeatedly(() =>
      this.#hiring.registerCandidate({ candidateId, name }),
    );
    if (result.answer) candidates.acknowledge(candidateId, { name });
    else if (result.isUnknown) candidates.loseAnswer(candidateId, { name });
    return result;
  }

  /** Not yet while management does not know the candidate. */
  async assign(assignment: ToldAssignment): Promise<CallResult> {
    const assignmentId = randomUUIDv7();
    const { assignments } = this.told;
    const result = await callRepeatedly(
      () => this.#management.assignAssessment({ assignmentId, ...assignment }),
      { notYet: 'ID_UNKNOWN' },
    );
    if (result.answer) assignments.acknowledge(assignmentId, assignment);
    else if (result.isUnknown) assignments.loseAnswer(assignmentId, assignment);
    return result;
  }

  async promote(candidateId: string): Promise<CallResult> {
    const { promotions } = this.told;
    const result = await callRepeatedly(() => this.#management.promoteCandidate({ candidateId }));
    if (result.answer) promotions.acknowledge(candidateId, true);
    else if (result.isUnknown) promotions.loseAnswer(candidateId, true);
    return result;
  }

  /** Not yet while hiring does not know the assignment. */
  async submit(solution: ToldSolution) {
    const { candidateId, assessmentId, exerciseId, isCorrect: correct } = solution;
    const request = { solutionId: randomUUIDv7(), candidateId, assessmentId, exerciseId, correct };
    const { solutionId } = request;
    const { solutions } = this.told;
    const result = await callRepeatedly(() => this.#hiring.submitSolution(request), {
      notYet: 'NOT_ASSIGNED',
      onLost: () => this.#loseRating(),
    });
    if (result.answer) solutions.acknowledge(solutionId, solution);
    else if (result.isUnknown) solutions.loseAnswer(solutionId, solution);
    this.#hearRating(result.answer?.rating);
    return result;
  }

  async revoke(solutionId: string): Promise<CallResult> {
    const { revocations } = this.told;
    const result = await callRepeatedly(() => this.#hiring.revokeSolution({ solutionId }), {
      onLost: () => this.#loseRating(),
    });
    if (result.answer) revocations.acknowledge(solutionId, true);
    else if (result.isUnknown) revocations.loseAnswer(solutionId, true);
    this.#hearRating(result.answer?.rating);
    return result;
  }

  close(): void {
    for (const client of [this.#assessments, this.#hiring, this.#management]) client.close();
  }

  #hearAssessment({ assessmentId, version, authorId, title, exercises }: Assessment): void {
    this.told.assessments.acknowledge(assessmentId, version, {
      authorId,
      title,
      exercises: exercises.map((one) => ({
        id: one.exerciseId,
        title: one.title,
        text: one.text,
      })),
    });
  }

  #loseRating(): void {
    this.told.lostRatings += 1;
  }

  #hearRating(rating: AssessmentRating | undefined): void {
    if (!rating) return;
    const { assessmentId, version, results, accepted } = rating;
    this.told.hearRating(assessmentId, version, { rating: rating.rating, results, accepted });
  }
}

function namesOf({ firstName, lastName }: { firstName: string; lastName: string }) {
  return { firstName, lastName };
}
