/** The assessments that may be assigned, and which of them are in demand. */

/** Looks again after this time whether hiring has heard of an assessment. */
const LOOK_AFTER_MS = 200;
/** Assessments in demand for ever, and the share of all assignments that they get. */
const CLASSICS = 2;
const CLASSICS_SHARE = 0.1;
/** Assessments of the season, and their share. */
const SEASON = 3;
const SEASON_SHARE = 0.8;
/** Then the season is over: its exercises have eleven correct solutions, nearly always. */
const SEASON_ASSIGNMENTS = 12;
/** Older ones that nobody assigned are forgotten. */
const MAX_KEPT = 5_000;

/** An assessment as callers assign it. */
export type Offer = {
  readonly assessmentId: string;
  readonly authorId: string;
  readonly exerciseIds: readonly string[];
  /** How often it was assigned. */
  assigned: number;
};

export class Shelf {
  readonly #unseen: { offer: Offer; dueMs: number }[] = [];
  /** What hiring has, oldest first. */
  readonly #offers: Offer[] = [];
  #season: Offer[] = [];

  /** One that hiring may not have yet. */
  lookLater(offer: Offer): void {
    this.#unseen.push({ offer, dueMs: performance.now() + LOOK_AFTER_MS });
  }

  /** One to look for now. */
  takeUnseen(): Offer | undefined {
    const first = this.#unseen[0];
    if (!first || first.dueMs > performance.now()) return undefined;
    return this.#unseen.shift()?.offer;
  }

  /** One that hiring has. */
  put(offer: Offer): void {
    this.#offers.push(offer);
    if (this.#offers.length > MAX_KEPT) this.#offers.splice(CLASSICS, 1);
  }

  /** One to assign. */
  pick(): Offer | undefined {
    const roll = Math.random();
    if (roll < CLASSICS_SHARE) return this.#any(CLASSICS);
    if (roll < CLASSICS_SHARE + SEASON_SHARE) return this.#pickOfSeason();
    return this.#any(this.#offers.length);
  }

  #any(among: number): Offer | undefined {
    return this.#offers[Math.floor(Math.random() * Math.min(among, this.#offers.length))];
  }

  #pickOfSeason(): Offer | undefined {
    this.#season = this.#season.filter(({ assigned }) => assigned < SEASON_ASSIGNMENTS);
    const isFresh = (offer: Offer) =>
      offer.assigned < SEASON_ASSIGNMENTS && !this.#season.includes(offer);
    while (this.#season.length < SEASON) {
      const fresh = this.#offers.findLast(isFresh);
      if (!fresh) break;
      this.#season.push(fresh);
    }
    return this.#season[Math.floor(Math.random() * this.#season.length)];
  }
}
