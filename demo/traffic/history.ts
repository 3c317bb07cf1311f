/** Everything that callers of the company were told: the other side of the oracle's comparison. */

import type { Names } from './fakeNames.ts';
import { dropOldest, ToldEntities, ToldFacts } from './records.ts';

export type ToldExercise = { readonly id: string; readonly title: string; readonly text: string };

/** An assessment without the difficulty of its exercises, which changes without its author. */
export type ToldAssessment = {
  readonly authorId: string;
  readonly title: string;
  readonly exercises: readonly ToldExercise[];
};

export type ToldAssignment = { readonly candidateId: string; readonly assessmentId: string };

export type ToldSolution = ToldAssignment & {
  readonly exerciseId: string;
  readonly authorId: string;
  readonly isCorrect: boolean;
};

/** A rating as an answer of hiring had it. */
export type ToldRating = {
  readonly rating: number;
  readonly results: bigint;
  readonly accepted: bigint;
};

export class Told {
  readonly managers: ToldEntities<Names>;
  readonly assessments: ToldEntities<ToldAssessment>;
  /** How difficult an exercise was when its author wrote it. */
  readonly difficulties: ToldFacts<number>;
  readonly candidates: ToldFacts<{ name: string }>;
  readonly assignments: ToldFacts<ToldAssignment>;
  /** By candidate. */
  readonly promotions: ToldFacts<true>;
  readonly solutions: ToldFacts<ToldSolution>;
  /** By solution. */
  readonly revocations: ToldFacts<true>;
  readonly #maxKept: number;
  readonly #ratings = new Map<string, Map<bigint, ToldRating>>();
  readonly #contradictions: { assessmentId: string; version: bigint }[] = [];
  /** Answers with ratings that were lost: each may have named a version that no other named. */
  lostRatings = 0;

  /** Keeps everything, or of every kind of thing only the newest. */
  constructor(maxKept = Infinity) {
    this.#maxKept = maxKept;
    this.managers = new ToldEntities(maxKept);
    this.assessments = new ToldEntities(maxKept);
    this.difficulties = new ToldFacts(maxKept);
    this.candidates = new ToldFacts(maxKept);
    this.assignments = new ToldFacts(maxKept);
    this.promotions = new ToldFacts(maxKept);
    this.solutions = new ToldFacts(maxKept);
    this.revocations = new ToldFacts(maxKept);
  }

  /** Answers that arrived, of all commands. */
  get acknowledged(): number {
    const facts = [this.candidates, this.assignments, this.promotions];
    const solved = [this.solutions, this.revocations];
    return (
      this.managers.acknowledged +
      this.assessments.acknowledged +
      [...facts, ...solved].reduce((sum, one) => sum + one.told.size, 0)
    );
  }

  /** An answer named this version of an assessment's rating. */
  hearRating(assessmentId: string, version: bigint, rating: ToldRating): void {
    const known = this.#ratings.get(assessmentId) ?? new Map<bigint, ToldRating>();
    this.#ratings.set(assessmentId, known);
    dropOldest(this.#ratings, this.#maxKept);
    const before = known.get(version);
    if (before && !isSame(before, rating)) this.#contradictions.push({ assessmentId, version });
    known.set(version, rating);
  }

  /** What answers said of a version of the assessment's rating; undefined when none named it. */
  ratingOf(assessmentId: string, version: bigint): ToldRating | undefined {
    return this.#ratings.get(assessmentId)?.get(version);
  }

  /** Versions of ratings of which two answers said different things. */
  get contradictions(): readonly { assessmentId: string; version: bigint }[] {
    return this.#contradictions;
  }
}

function isSame(a: ToldRating, b: ToldRating): boolean {
  return a.rating === b.rating && a.results === b.results && a.accepted === b.accepted;
}
