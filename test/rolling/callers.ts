/**
 * Callers of the public APIs who live the business: they choose the ids of what they make, so that a
 * call may be repeated, and go on with another replica when one is away.
 */
import { randomUUIDv7 } from 'node:crypto';
import type { Assessment } from '../../gen/assessments/v1/assessment_pb.ts';
import { AssessmentsService } from '../../gen/assessments/v1/assessments_service_pb.ts';
import { HiringService } from '../../gen/hiring/v1/hiring_service_pb.ts';
import { ManagementService } from '../../gen/management/v1/management_service_pb.ts';
import { createRpcClient, RpcCallError, type RpcClient } from '../../rpc/client.ts';
import { pause } from '../../runtime/wake.ts';

/** Of every call: goes on with the next replica, which must answer. */
const RELIABLY = { retryUnavailable: true, deadlineMs: 30_000 };
/** One more than it takes to make an exercise harder. */
const SOLUTIONS = 12;
const REVOKED = 3;
/** Leaves two cores time to start processes. */
const BETWEEN_CALLS_MS = 40;
/** What another service said is on its way: a link that waits for a lease may need so long. */
const EARLY_LIMIT_MS = 90_000;

export type Addresses = Readonly<Record<string, readonly string[]>>;

export class Callers {
  readonly #assessments: RpcClient<typeof AssessmentsService>;
  readonly #hiring: RpcClient<typeof HiringService>;
  readonly #management: RpcClient<typeof ManagementService>;
  readonly #running: Promise<void>[];
  #isStopped = false;
  requests = 0;
  slowestMs = 0;
  /** Requests that failed, with what the caller was told. */
  readonly failures: string[] = [];

  constructor(addresses: Addresses, callers: number) {
    const of = (name: string) => [...addresses[name]!];
    this.#assessments = createRpcClient(AssessmentsService, of('assessments'));
    this.#hiring = createRpcClient(HiringService, of('hiring'));
    this.#management = createRpcClient(ManagementService, of('management'));
    this.#running = Array.from({ length: callers }, () => this.#live());
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await Promise.all(this.#running);
    for (const client of [this.#assessments, this.#hiring, this.#management]) client.close();
  }

  async #live(): Promise<void> {
    while (!this.#isStopped) {
      const assessment = await this.#writeAssessment();
      const candidateId = assessment && (await this.#assign(assessment));
      if (candidateId) await this.#solve(assessment, candidateId);
    }
  }

  async #writeAssessment(): Promise<Assessment | undefined> {
    const [managerId, assessmentId] = [randomUUIDv7(), randomUUIDv7()];
    const names = { firstName: 'Emmy', lastName: 'Noether' };
    const draft = { title: '[Algebra] Groups', exercises: [{ title: 'S4/V4', text: 'Find it.' }] };
    await this.#call(() => this.#assessments.registerManager({ managerId, ...names }, RELIABLY));
    const created = await this.#call(() =>
      this.#assessments.createAssessment({ assessmentId, authorId: managerId, ...draft }, RELIABLY),
    );
    const title = '[Algebra] Rings';
    await this.#call(() => this.#assessments.updateAssessment({ assessmentId, title }, RELIABLY));
    const firstName = 'Amalie';
    await this.#call(() => this.#assessments.updateManager({ managerId, firstName }, RELIABLY));
    return created?.assessment;
  }

  async #assign({ assessmentId }: Assessment): Promise<string | undefined> {
    const [candidateId, assignmentId] = [randomUUIDv7(), randomUUIDv7()];
    const name = 'Ada Lovelace';
    await this.#call(() => this.#hiring.registerCandidate({ candidateId, name }, RELIABLY));
    const order = { assignmentId, assessmentId, candidateId };
    const assigned = await this.#call(() => this.#management.assignAssessment(order, RELIABLY));
    return assigned && candidateId;
  }

  async #solve({ assessmentId, exercises }: Assessment, candidateId: string): Promise<void> {
    const task = { candidateId, assessmentId, exerciseId: exercises[0]!.exerciseId };
    for (let i = 0; i < SOLUTIONS; i += 1) {
      const solutionId = randomUUIDv7();
      const solution = { ...task, solutionId, correct: true };
      const done = await this.#call(() => this.#hiring.submitSolution(solution, RELIABLY));
      if (!done || i >= REVOKED) continue;
      await this.#call(() => this.#hiring.revokeSolution({ solutionId }, RELIABLY));
    }
  }

  /** The answer; undefined when the callers stopped or the request failed. */
  async #call<T>(request: () => Promise<T>): Promise<T | undefined> {
    const untilMs = performance.now() + EARLY_LIMIT_MS;
    while (!this.#isStopped) {
      const startedMs = performance.now();
      this.requests += 1;
      try {
        const answer = await request();
        this.slowestMs = Math.max(this.slowestMs, performance.now() - startedMs);
        await pause(BETWEEN_CALLS_MS);
        return answer;
      } catch (error) {
        if (!isEarly(error) || performance.now() > untilMs) {
          this.failures.push(String((error as Error).message));
          return undefined;
        }
        await pause(BETWEEN_CALLS_MS);
      }
    }
    return undefined;
  }
}

/** Whether the service has not heard yet of what another one was told: nothing failed. */
function isEarly(error: unknown): boolean {
  if (!(error instanceof RpcCallError)) return false;
  return error.code === 'NOT_FOUND' || error.reason === 'NOT_ASSIGNED';
}
