/** The candidates, what they have to solve, and what was accepted. */
import type { Offer } from './assessmentPool.ts';

/** A service hears of another one's news within this time, nearly always. */
const NEWS_MS = 250;
/** A candidate with so many assignments gets no more. */
const MAX_ASSIGNMENTS = 3;
/** Candidates looked at to find one for an assessment. */
const LOOKED_AT = 8;
/** Older ones are forgotten: traffic may run for days. */
const MAX_KEPT = 2_000;

export type Candidate = {
  readonly id: string;
  readonly assessments: Set<string>;
  /** When management knows it, by what callers can tell. */
  readyMs: number;
};

export type Assigned = { readonly candidate: Candidate; readonly offer: Offer };

export type Task = {
  readonly candidateId: string;
  readonly exerciseId: string;
  readonly offer: Offer;
  /** When hiring knows of the assignment, by what callers can tell. */
  readonly readyMs: number;
};

export class Desk {
  /** Those that get further assignments. */
  #candidates: Candidate[] = [];
  /** Those that management knows for sure. */
  readonly #known: string[] = [];
  readonly #tasks: Task[] = [];
  /** Solved ones: somebody solves one again when there is nothing else to do. */
  readonly #solved: Task[] = [];
  readonly #accepted: string[] = [];

  /** A new candidate. */
  seat(id: string, isKnown: boolean): void {
    keep(this.#candidates, { id, assessments: new Set(), readyMs: soon(isKnown) });
  }

  /** Somebody who may be assigned this assessment. */
  pickFor(assessmentId: string): Candidate | undefined {
    const nowMs = performance.now();
    for (let i = 0; i < LOOKED_AT; i++) {
      const candidate = pick(this.#candidates);
      if (candidate && candidate.readyMs <= nowMs && !candidate.assessments.has(assessmentId))
        return candidate;
    }
    return undefined;
  }

  /** Nobody else assigns this assessment to the candidate. */
  reserve(candidate: Candidate, assessmentId: string): void {
    candidate.assessments.add(assessmentId);
    if (candidate.assessments.size >= MAX_ASSIGNMENTS)
      this.#candidates = this.#candidates.filter((one) => one !== candidate);
  }

  /** Management does not know the candidate yet. */
  giveBack(candidate: Candidate, assessmentId: string): void {
    candidate.assessments.delete(assessmentId);
    candidate.readyMs = soon(false);
    if (!this.#candidates.includes(candidate)) keep(this.#candidates, candidate);
  }

  /** The candidate was assigned the assessment. */
  hand({ candidate, offer }: Assigned, isKnown: boolean): void {
    keep(this.#known, candidate.id);
    for (const exerciseId of offer.exerciseIds)
      this.#tasks.push({ candidateId: candidate.id, exerciseId, offer, readyMs: soon(isKnown) });
  }

  /** Somebody that management knows. */
  pickKnown(): string | undefined {
    return pick(this.#known);
  }

  /** An exercise to solve now; a solved one again when all are solved. */
  takeTask(): Task | undefined {
    const nowMs = performance.now();
    const at = this.#tasks.findIndex(({ readyMs }) => readyMs <= nowMs);
    return at < 0 ? pick(this.#solved) : this.#tasks.splice(at, 1)[0];
  }

  /** Hiring does not know of the assignment yet. */
  tryLater(task: Task): void {
    this.#tasks.push({ ...task, readyMs: soon(false) });
  }

  /** The solution was wrong. */
  tryAgain(task: Task): void {
    this.#tasks.push(task);
  }

  /** A correct solution was submitted; without its id nobody knows whether it was accepted. */
  finish(task: Task, solutionId: string | undefined): void {
    keep(this.#solved, task);
    if (solutionId !== undefined) keep(this.#accepted, solutionId);
  }

  /** An accepted solution, to be revoked. */
  takeAccepted(): string | undefined {
    const at = Math.floor(Math.random() * this.#accepted.length);
    return this.#accepted.splice(at, 1)[0];
  }
}

function soon(isKnown: boolean): number {
  return isKnown ? 0 : performance.now() + NEWS_MS;
}

function keep<T>(list: T[], one: T): void {
  list.push(one);
  if (list.length > MAX_KEPT) list.shift();
}

function pick<T>(list: readonly T[]): T | undefined {
  return list[Math.floor(Math.random() * list.length)];
}
