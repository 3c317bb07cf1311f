/**
 * The company's business as its callers see it: what they know to exist, and what one of them does
 * next. Some assessments are much more popular than others: a few always, and a few for a while, so
 * that enough candidates solve their exercises to make these harder.
 */
import { AssessmentPool, type Offer } from './assessmentPool.ts';
import type { Caller } from './caller.ts';
import { type Assignment, CandidatePool, type Task } from './candidatePool.ts';
import type { CallResult } from './retry.ts';

export const ACTIONS = [
  'registerManager',
  'renameManager',
  'createAssessment',
  'updateAssessment',
  'registerCandidate',
  'assign',
  'promote',
  'submit',
  'revoke',
] as const;
export type Action = (typeof ACTIONS)[number] | 'look';

/** Of 100 requests; asking hiring for new assessments comes on top. */
export const MIX: Readonly<Record<(typeof ACTIONS)[number], number>> = {
  registerManager: 5,
  renameManager: 11,
  createAssessment: 8,
  updateAssessment: 8,
  registerCandidate: 8,
  assign: 14,
  promote: 2,
  submit: 40,
  revoke: 4,
};
/** What callers do when there is nothing to do the chosen action with. */
const FALLBACKS = ['assign', 'registerCandidate', 'registerManager'] as const;
/** Some managers are renamed much more often: the newest hundredth gets a fifth of all renames. */
const SKEW = 3;
const CORRECT_SHARE = 0.9;

/** One request, ready to be sent. */
export interface PlannedRequest {
  readonly action: Action;
  send(): Promise<CallResult>;
}

export class Workload {
  readonly #caller: Caller;
  readonly #assessments = new AssessmentPool();
  readonly #candidates = new CandidatePool();

  constructor(caller: Caller) {
    this.#caller = caller;
  }

  /** What to do now; there is always something. */
  next(): PlannedRequest {
    const lookup = this.#planLookup();
    if (lookup) return lookup;
    const wanted = pickAction();
    for (const action of [wanted, ...FALLBACKS]) {
      const request = this.plan(action);
      if (request) return request;
    }
    return this.#request('registerManager', () => this.#caller.registerManager());
  }

  /** A request of this action; undefined while there is nothing to do it with. */
  plan(action: (typeof ACTIONS)[number]): PlannedRequest | undefined {
    switch (action) {
      case 'registerManager':
        return this.#request(action, () => this.#caller.registerManager());
      case 'renameManager':
        return this.#with(action, this.#pickManager(), (id) => this.#caller.renameManager(id));
      case 'createAssessment':
        return this.#with(action, this.#pickManager(), (id) => this.#create(id));
      case 'updateAssessment':
        return this.#with(action, pickSkewed(this.#caller.history.assessments), (id) =>
          this.#caller.updateAssessment(id),
        );
      case 'registerCandidate':
        return this.#request(action, () => this.#registerCandidate());
      case 'assign':
        return this.#planAssignment();
      case 'promote':
        return this.#with(action, this.#candidates.pickKnown(), (id) => this.#caller.promote(id));
      case 'submit':
        return this.#with(action, this.#candidates.takeTask(), (task) => this.#submit(task));
      case 'revoke':
        return this.#with(action, this.#candidates.takeAccepted(), (id) => this.#caller.revoke(id));
    }
  }

  #request(action: Action, send: () => Promise<CallResult>): PlannedRequest {
    return { action, send };
  }

  #with<T>(action: Action, found: T | undefined, send: (it: T) => Promise<CallResult>) {
    return found === undefined ? undefined : this.#request(action, () => send(found));
  }

  /** A link brings new assessments to hiring: callers look there before they assign one. */
  #planLookup(): PlannedRequest | undefined {
    return this.#with('look', this.#assessments.takeUnconfirmed(), async (offer) => {
      const result = await this.#caller.findReplica(offer.assessmentId);
      if (result.answer) this.#assessments.add(offer);
      else this.#assessments.addUnconfirmed(offer);
      return result;
    });
  }

  async #create(authorId: string): Promise<CallResult> {
    const result = await this.#caller.createAssessment(authorId);
    const assessment = result.answer?.assessment;
    if (!assessment) return result;
    const { assessmentId } = assessment;
    const exerciseIds = assessment.exercises.map((one) => one.exerciseId);
    const offer: Offer = { assessmentId, authorId, exerciseIds, assigned: 0 };
    if (isApplied(result)) this.#assessments.add(offer);
    else this.#assessments.addUnconfirmed(offer);
    return result;
  }

  async #registerCandidate(): Promise<CallResult> {
    const result = await this.#caller.registerCandidate();
    const id = result.answer?.candidate?.candidateId;
    if (id !== undefined) this.#candidates.add(id, isApplied(result));
    return result;
  }

  #planAssignment(): PlannedRequest | undefined {
    const offer = this.#assessments.pick();
    const candidate = offer && this.#candidates.pickFor(offer.assessmentId);
    if (!candidate) return undefined;
    offer.assigned += 1;
    this.#candidates.reserve(candidate, offer.assessmentId);
    return this.#request('assign', () => this.#sendAssignment({ candidate, offer }));
  }

  async #sendAssignment({ candidate, offer }: Assignment): Promise<CallResult> {
    const { assessmentId } = offer;
    const result = await this.#caller.assign({ candidateId: candidate.id, assessmentId });
    if (result.answer) this.#candidates.addTasks({ candidate, offer }, isApplied(result));
    else if (result.isNotYet) {
      offer.assigned -= 1;
      this.#candidates.release(candidate, assessmentId);
    }
    return result;
  }

  async #submit(task: Task): Promise<CallResult> {
    const { candidateId, exerciseId, offer } = task;
    const { assessmentId, authorId } = offer;
    const isCorrect = Math.random() < CORRECT_SHARE;
    const solution = { candidateId, assessmentId, exerciseId, authorId, isCorrect };
    const result = await this.#caller.submit(solution);
    const solutionId = result.answer?.solution?.solutionId;
    if (result.isNotYet) this.#candidates.postpone(task);
    else if (isCorrect) this.#candidates.finish(task, solutionId);
    else this.#candidates.retry(task);
    return result;
  }

  #pickManager(): string | undefined {
    return pickSkewed(this.#caller.history.managers);
  }
}

/** Every consumer had applied the message when the caller got its answer. */
function isApplied({ deliveries }: CallResult): boolean {
  return deliveries.length > 0 && deliveries.every(({ state }) => state === 'applied');
}

function pickSkewed(known: { count: number; idAt(at: number): string | undefined }) {
  const fromNewest = Math.floor(known.count * Math.random() ** SKEW);
  return known.idAt(known.count - 1 - fromNewest);
}

function pickAction(): (typeof ACTIONS)[number] {
  const all = ACTIONS.reduce((sum, action) => sum + MIX[action], 0);
  let left = Math.random() * all;
  for (const action of ACTIONS) {
    left -= MIX[action];
    if (left < 0) return action;
  }
  return 'submit';
}
