/**
 * Traffic over the whole business, small and steady: every link of the company carries messages
 * while a test moves one of them.
 */
import { randomUUIDv7 } from 'node:crypto';
import { pause } from '../../../runtime/wake.ts';
import { until } from '../../harness/until.ts';
import type { ServiceClients } from './clients.ts';
import { PACE_MS } from './pace.ts';

/** Above that of one call. */
const ACCEPTED_LIMIT_MS = 90_000;
/** One in so many accepted solutions is revoked. */
const REVOKED = 4;
/** The completion of an exercise that makes it harder is the eleventh. */
const COMPLETIONS = 12;

export class Business {
  readonly #assessments: ServiceClients['assessments'];
  readonly #hiring: ServiceClients['hiring'];
  readonly #management: ServiceClients['management'];
  #isStopping = false;
  #running: Promise<void> = Promise.resolve();
  /** Accepted solutions less the revoked ones. */
  paid = 0;

  constructor({ assessments, hiring, management }: ServiceClients) {
    this.#assessments = assessments;
    this.#hiring = hiring;
    this.#management = management;
  }

  async start(): Promise<void> {
    await this.#liveOnce(COMPLETIONS);
    this.#running = this.#live();
    this.#running.catch(() => {}); // `stop` awaits it and reports
  }

  async #live(): Promise<void> {
    while (!this.#isStopping) await this.#liveOnce(COMPLETIONS);
  }

  /** An author writes an assessment and changes it; a candidate is assigned and solves it. */
  async #liveOnce(completions: number): Promise<void> {
    const { manager } = await this.#assessments.registerManager({
      firstName: 'Emmy',
      lastName: 'Noether',
    });
    const authorId = manager!.managerId;
    const { assessment } = await this.#assessments.createAssessment({
      authorId,
      title: '[Algebra] Groups',
      exercises: [{ title: 'S4/V4', text: 'Find the order.' }],
    });
    const { assessmentId, exercises } = assessment!;
    const { exerciseId } = exercises[0]!;
    const { candidate } = await this.#hiring.registerCandidate({ name: 'Ada Lovelace' });
    const { candidateId } = candidate!;
    await this.#untilAccepted(() => this.#hiring.getAssessmentReplica({ assessmentId }));
    await this.#untilAccepted(() =>
      this.#management.assignAssessment({ assessmentId, candidateId }),
    );
    for (let i = 1; i <= completions && !this.#isStopping; i += 1) {
      await pause(PACE_MS);
      const solutionId = randomUUIDv7();
      const request = { solutionId, candidateId, assessmentId, exerciseId, correct: true };
      await this.#untilAccepted(() => this.#hiring.submitSolution(request));
      this.paid += 1;
      if (i % REVOKED === 0) {
        await this.#hiring.revokeSolution({ solutionId });
        this.paid -= 1;
      }
      if (i % REVOKED === 1)
        await this.#assessments.updateAssessment({
          assessmentId,
          title: `[Algebra] Groups ${i}`,
        });
    }
  }

  /** What a request needs may be on its way from another service: it is repeated until it is there. */
  async #untilAccepted<T extends object>(call: () => Promise<T>): Promise<T> {
    const answer = await until(() => call(), {
      withinMs: ACCEPTED_LIMIT_MS,
      what: 'the request is accepted',
      everyMs: 10,
    });
    return answer as T;
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    await this.#running;
  }
}
