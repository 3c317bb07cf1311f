/**
 * The life of the company as its callers see it: what they know to be there, and what one of them does
 * next. Some assessments are much more in demand than others: a few for ever, and at any time a
 * season's few, which enough candidates solve that their exercises become harder.
 */

import { type Offer, Shelf } from './assessmentPool.ts';
import type { Caller } from './caller.ts';
import { type Assigned, Desk, type Task } from './candidatePool.ts';
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

/** Of 100 requests; looks for assessments that hiring may not have yet come on top of these. */
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
/** What callers do while nothing is there for what they wanted. */
const INSTEAD = ['assign', 'registerCandidate', 'registerManager'] as const;
/** Some managers are renamed much more often: the newest hundredth gets a fifth of all renames. */
const SKEW = 3;
const CORRECT_SHARE = 0.9;

/** One request, ready to be sent. */
export type Due = { readonly action: Action; send(): Promise<CallResult> };

export class Life {
  readonly #caller: Caller;
  /** Assessments. */
  readonly #shelf = new Shelf();
  /** Candidates and what they have to solve. */
  readonly #desk = new Desk();

  constructor(caller: Caller) {
    this.#caller = caller;
  }

  /** What is to be done now; there is always something. */
  next(): Due {
    const looked = this.#look();
    if (looked) return looked;
    const wanted = pickAction();
    for (const action of [wanted, ...INSTEAD]) {
      const due = this.act(action);
      if (due) return due;
    }
    return this.#due('registerManager', () => this.#caller.registerManager());
  }

  /** This action; undefined while there is nothing to do it with. */
  act(action: (typeof ACTIONS)[number]): Due | undefined {
    switch (action) {
      case 'registerManager':
        return this.#due(action, () => this.#caller.registerManager());
      case 'renameManager':
        return this.#with(action, this.#pickManager(), (id) => this.#caller.renameManager(id));
      case 'createAssessment':
        return this.#with(action, this.#pickManager(), (id) => this.#create(id));
      case 'updateAssessment':
        return this.#with(action, pickSkewed(this.#caller.told.assessments), (id) =>
          this.#caller.updateAssessment(id),
        );
      case 'registerCandidate':
        return this.#due(action, () => this.#registerCandidate());
      case 'assign':
        return this.#assign();
      case 'promote':
        return this.#with(action, this.#desk.pickKnown(), (id) => this.#caller.promote(id));
      case 'submit':
        return this.#with(action, this.#desk.takeTask(), (task) => this.#submit(task));
      case 'revoke':
        return this.#with(action, this.#desk.takeAccepted(), (id) => this.#caller.revoke(id));
    }
  }

  #due(action: Action, send: () => Promise<CallResult>): Due {
    return { action, send };
  }

  #with<T>(action: Action, found: T | undefined, send: (it: T) => Promise<CallResult>) {
    return found === undefined ? undefined : this.#due(action, () => send(found));
  }

  /** Hiring hears of a new assessment by a link: callers look before they let it be solved. */
  #look(): Due | undefined {
    return this.#with('look', this.#shelf.takeUnseen(), async (offer) => {
      const result = await this.#caller.lookForAssessment(offer.assessmentId);
      if (result.answer) this.#shelf.put(offer);
      else this.#shelf.lookLater(offer);
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
    if (isApplied(result)) this.#shelf.put(offer);
    else this.#shelf.lookLater(offer);
    return result;
  }

  async #registerCandidate(): Promise<CallResult> {
    const result = await this.#caller.registerCandidate();
    const id = result.answer?.candidate?.candidateId;
    if (id !== undefined) this.#desk.seat(id, isApplied(result));
    return result;
  }

  #assign(): Due | undefined {
    const offer = this.#shelf.pick();
    const candidate = offer && this.#desk.pickFor(offer.assessmentId);
    if (!candidate) return undefined;
    offer.assigned += 1;
    this.#desk.reserve(candidate, offer.assessmentId);
    return this.#due('assign', () => this.#sendAssignment({ candidate, offer }));
  }

  async #sendAssignment({ candidate, offer }: Assigned): Promise<CallResult> {
    const { assessmentId } = offer;
    const result = await this.#caller.assign({ candidateId: candidate.id, assessmentId });
    if (result.answer) this.#desk.hand({ candidate, offer }, isApplied(result));
    else if (result.isNotYet) {
      offer.assigned -= 1;
      this.#desk.giveBack(candidate, assessmentId);
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
    if (result.isNotYet) this.#desk.tryLater(task);
    else if (isCorrect) this.#desk.finish(task, solutionId);
    else this.#desk.tryAgain(task);
    return result;
  }

  #pickManager(): string | undefined {
    return pickSkewed(this.#caller.told.managers);
  }
}

/** All consumers had it when the caller was answered. */
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
