/** Everything that the callers were told: what the oracle compares the databases with. */

import type { Names } from './fakeNames.ts';
import { dropOldest, EntityRecords, FactRecords } from './records.ts';

export interface RecordedExercise {
  readonly id: string;
  readonly title: string;
  readonly text: string;
}

/** An assessment without the difficulty of its exercises: that changes without its author. */
export interface RecordedAssessment {
  readonly authorId: string;
  /** As it was answered: whole, and in its parts. */
  readonly title: string;
  readonly knowledgeArea: string;
  readonly titleWithoutArea: string;
  readonly exercises: readonly RecordedExercise[];
}

export interface RecordedAssignment {
  readonly candidateId: string;
  readonly assessmentId: string;
}

export interface RecordedSolution extends RecordedAssignment {
  readonly exerciseId: string;
  readonly authorId: string;
  readonly isCorrect: boolean;
}

/** A rating as an answer of hiring gave it. */
export interface RecordedRating {
  readonly rating: number;
  readonly results: bigint;
  readonly accepted: bigint;
}

export class History {
  readonly managers: EntityRecords<Names>;
  readonly assessments: EntityRecords<RecordedAssessment>;
  /** By exercise: its difficulty when its author wrote it. */
  readonly difficulties: FactRecords<number>;
  readonly candidates: FactRecords<{ name: string }>;
  readonly assignments: FactRecords<RecordedAssignment>;
  /** By candidate. */
  readonly promotions: FactRecords<true>;
  readonly solutions: FactRecords<RecordedSolution>;
  /** By solution. */
  readonly revocations: FactRecords<true>;
  readonly #maxKept: number;
  readonly #ratings = new Map<string, Map<bigint, RecordedRating>>();
  readonly #contradictions: { assessmentId: string; version: bigint }[] = [];
  /** Lost answers with ratings: each may have been the only one that named its version. */
  unknownRatings = 0;

  /** Keeps everything, or only the newest of each kind. */
  constructor(maxKept = Infinity) {
    this.#maxKept = maxKept;
    this.managers = new EntityRecords(maxKept);
    this.assessments = new EntityRecords(maxKept);
    this.difficulties = new FactRecords(maxKept);
    this.candidates = new FactRecords(maxKept);
    this.assignments = new FactRecords(maxKept);
    this.promotions = new FactRecords(maxKept);
    this.solutions = new FactRecords(maxKept);
    this.revocations = new FactRecords(maxKept);
  }

  /** Answers to commands that arrived. */
  get acknowledgedCount(): number {
    const people = [this.candidates, this.assignments, this.promotions];
    const solved = [this.solutions, this.revocations];
    return (
      this.managers.acknowledgedCount +
      this.assessments.acknowledgedCount +
      [...people, ...solved].reduce((sum, one) => sum + one.acknowledged.size, 0)
    );
  }

  /** An answer named this version of an assessment's rating. */
  recordRating(assessmentId: string, version: bigint, rating: RecordedRating): void {
    const known = this.#ratings.get(assessmentId) ?? new Map<bigint, RecordedRating>();
    this.#ratings.set(assessmentId, known);
    dropOldest(this.#ratings, this.#maxKept);
    const before = known.get(version);
    if (before && !isSame(before, rating)) this.#contradictions.push({ assessmentId, version });
    known.set(version, rating);
  }

  /** The rating in this version, as answers gave it; undefined when none named the version. */
  ratingOf(assessmentId: string, version: bigint): RecordedRating | undefined {
    return this.#ratings.get(assessmentId)?.get(version);
  }

  /** Versions of ratings for which two answers disagreed. */
  get contradictions(): readonly { assessmentId: string; version: bigint }[] {
    return this.#contradictions;
  }
}

function isSame(a: RecordedRating, b: RecordedRating): boolean {
  return a.rating === b.rating && a.results === b.results && a.accepted === b.accepted;
}
