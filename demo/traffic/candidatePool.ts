/** The candidates, what they have to solve, and what was accepted. */
import type { Offer } from './assessmentPool.ts';

/** Nearly always, one service knows another one's change within this time. */
const PROPAGATION_MS = 250;
/** A candidate with this many assignments gets no more. */
const MAX_ASSIGNMENTS = 3;
/** Candidates tried to find one for an assessment. */
const MAX_PICKS = 8;
/** Older entries are dropped: traffic may run for days. */
const MAX_KEPT = 2_000;

export interface Candidate {
  readonly id: string;
  readonly assessments: Set<string>;
  /** When management should know the candidate, as far as callers can tell. */
  readyMs: number;
}

export interface Assignment {
  readonly candidate: Candidate;
  readonly offer: Offer;
}

export interface Task {
  readonly candidateId: string;
  readonly exerciseId: string;
  readonly offer: Offer;
  /** When hiring should know the assignment, as far as callers can tell. */
  readonly readyMs: number;
}

export class CandidatePool {
  /** Those that get further assignments. */
  #candidates: Candidate[] = [];
  /** Those that management certainly knows. */
  readonly #known: string[] = [];
  readonly #tasks: Task[] = [];
  /** Solved tasks: one is solved again when there is nothing else to do. */
  readonly #solved: Task[] = [];
  readonly #accepted: string[] = [];

  add(id: string, isKnown: boolean): void {
    keep(this.#candidates, { id, assessments: new Set(), readyMs: readyAt(isKnown) });
  }

  /** Somebody who may be assigned this assessment. */
  pickFor(assessmentId: string): Candidate | undefined {
    const nowMs = performance.now();
    for (let i = 0; i < MAX_PICKS; i++) {
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

  /** Undoes `reserve`: management does not know the candidate yet. */
  release(candidate: Candidate, assessmentId: string): void {
    candidate.assessments.delete(assessmentId);
    candidate.readyMs = readyAt(false);
    if (!this.#candidates.includes(candidate)) keep(this.#candidates, candidate);
  }

  /** The candidate was assigned the assessment: its exercises become tasks. */
  addTasks({ candidate, offer }: Assignment, isKnown: boolean): void {
    keep(this.#known, candidate.id);
    for (const exerciseId of offer.exerciseIds)
      this.#tasks.push({ candidateId: candidate.id, exerciseId, offer, readyMs: readyAt(isKnown) });
  }

  /** Somebody that management knows. */
  pickKnown(): string | undefined {
    return pick(this.#known);
  }

  /** An exercise to solve now; a solved one when nothing else is left. */
  takeTask(): Task | undefined {
    const nowMs = performance.now();
    const at = this.#tasks.findIndex(({ readyMs }) => readyMs <= nowMs);
    return at < 0 ? pick(this.#solved) : this.#tasks.splice(at, 1)[0];
  }

  /** Hiring does not know the assignment yet. */
  postpone(task: Task): void {
    this.#tasks.push({ ...task, readyMs: readyAt(false) });
  }

  /** The solution was wrong. */
  retry(task: Task): void {
    this.#tasks.push(task);
  }

  /** A correct solution was submitted; without its id nobody knows whether it was accepted. */
  finish(task: Task, solutionId: string | undefined): void {
    keep(this.#solved, task);
    if (solutionId !== undefined) keep(this.#accepted, solutionId);
  }

  /** An accepted solution to revoke. */
  takeAccepted(): string | undefined {
    const at = Math.floor(Math.random() * this.#accepted.length);
    return this.#accepted.splice(at, 1)[0];
  }
}

function readyAt(isKnown: boolean): number {
  return isKnown ? 0 : performance.now() + PROPAGATION_MS;
}

function keep<T>(list: T[], one: T): void {
  list.push(one);
  if (list.length > MAX_KEPT) list.shift();
}

function pick<T>(list: readonly T[]): T | undefined {
  return list[Math.floor(Math.random() * list.length)];
}
