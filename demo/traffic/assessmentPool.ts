/** The assessments that may be assigned, and how popular each is. */

/** How long to wait before asking hiring again whether it has an assessment. */
const RECHECK_MS = 200;
/** Assessments that stay popular, and their share of all assignments. */
const CLASSICS = 2;
const CLASSICS_SHARE = 0.1;
/** Assessments that are popular for a while, and their share. */
const TRENDING = 3;
const TRENDING_SHARE = 0.8;
/** Then the trend is over: nearly always, its exercises have eleven correct solutions by now. */
const TRENDING_ASSIGNMENTS = 12;
/** Older ones that nobody assigned are dropped. */
const MAX_KEPT = 5_000;

/** An assessment as callers assign it. */
export interface Offer {
  readonly assessmentId: string;
  readonly authorId: string;
  readonly exerciseIds: readonly string[];
  /** How often it was assigned. */
  assigned: number;
}

export class AssessmentPool {
  readonly #unconfirmed: { offer: Offer; dueMs: number }[] = [];
  /** What hiring has, oldest first. */
  readonly #offers: Offer[] = [];
  #trending: Offer[] = [];

  /** An assessment that hiring may not have yet. */
  addUnconfirmed(offer: Offer): void {
    this.#unconfirmed.push({ offer, dueMs: performance.now() + RECHECK_MS });
  }

  /** One to ask hiring for now. */
  takeUnconfirmed(): Offer | undefined {
    const first = this.#unconfirmed[0];
    if (!first || first.dueMs > performance.now()) return undefined;
    return this.#unconfirmed.shift()?.offer;
  }

  /** An assessment that hiring has. */
  add(offer: Offer): void {
    this.#offers.push(offer);
    if (this.#offers.length > MAX_KEPT) this.#offers.splice(CLASSICS, 1);
  }

  /** One to assign. */
  pick(): Offer | undefined {
    const roll = Math.random();
    if (roll < CLASSICS_SHARE) return this.#pickAmongOldest(CLASSICS);
    if (roll < CLASSICS_SHARE + TRENDING_SHARE) return this.#pickTrending();
    return this.#pickAmongOldest(this.#offers.length);
  }

  #pickAmongOldest(count: number): Offer | undefined {
    return this.#offers[Math.floor(Math.random() * Math.min(count, this.#offers.length))];
  }

  #pickTrending(): Offer | undefined {
    this.#trending = this.#trending.filter(({ assigned }) => assigned < TRENDING_ASSIGNMENTS);
    const isFresh = (offer: Offer) =>
      offer.assigned < TRENDING_ASSIGNMENTS && !this.#trending.includes(offer);
    while (this.#trending.length < TRENDING) {
      const fresh = this.#offers.findLast(isFresh);
      if (!fresh) break;
      this.#trending.push(fresh);
    }
    return this.#trending[Math.floor(Math.random() * this.#trending.length)];
  }
}
