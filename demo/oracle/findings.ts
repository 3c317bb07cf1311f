/** What the oracle checks and what it may find: one finding for each kind of damage in a check. */

/**
 * - `lost`: something committed or acknowledged that did not arrive
 * - `doubled`: an effect that happened more often than its cause
 * - `reordered`: an older version took effect after a newer one
 * - `changed`: it arrived with other contents
 * - `leftover`: something that should be gone, such as an open message or a dead letter
 */
export const DAMAGES = ['lost', 'doubled', 'reordered', 'changed', 'leftover'] as const;
export type Damage = (typeof DAMAGES)[number];

/** One message or row that is wrong. */
export interface Case {
  /** The message's key or the row's id, or `lane 3 epoch 7` where only a sum is known. */
  readonly what: string;
  /** The version; 0 when no single version is meant. */
  readonly version: bigint;
  /** When the message was written, in milliseconds since 1970; 0 when unknown. */
  readonly writtenMs: number;
  /** How many messages or effects; 1 unless a sum is meant. */
  readonly count: number;
}

export interface Finding {
  readonly damage: Damage;
  /** What was found, for a person: `versions applied after newer ones at hiring`. */
  readonly sentence: string;
  /** The link to blame; empty when it is no single one. */
  readonly link: string;
  /** The consumer; empty for damage at the owner. */
  readonly consumer: string;
  readonly cases: readonly Case[];
}

/** The link and consumer that a check is about. */
export type LegName = Pick<Finding, 'link' | 'consumer'>;

/** For a check of no single link. */
export const NO_LINK: LegName = { link: '', consumer: '' };

/** A check and the damage that it found. */
export interface Check {
  /** What holds when nothing was found, with the number of things checked. */
  readonly claim: string;
  readonly findings: readonly Finding[];
}

export function caseOf(what: string, version = 0n, more: Partial<Case> = {}): Case {
  return { what, version, writtenMs: 0, count: 1, ...more };
}

export function findingOf(
  damage: Damage,
  { link, consumer }: LegName,
  sentence: string,
  cases: readonly Case[],
): Finding {
  return { damage, link, consumer, sentence, cases };
}

/** Keeps the findings that have cases: a check passes one for everything that it looked for. */
export function checkOf(claim: string, candidates: readonly Finding[]): Check {
  return { claim, findings: candidates.filter(({ cases }) => cases.length > 0) };
}

/** `1,234` */
export function formatCount(count: number | bigint): string {
  return count.toLocaleString('en');
}

/**
 * How much damage of one kind there is. One lost message shows in several checks (no inbox row, an
 * older replica, a lane's sum), so per link and consumer only the largest number counts.
 */
export function countDamage(findings: readonly Finding[], damage: Damage): number {
  const byLeg = new Map<string, number>();
  for (const { link, consumer, cases, damage: kind } of findings) {
    if (kind !== damage) continue;
    const leg = `${link}/${consumer}`;
    const count = cases.reduce((sum, one) => sum + one.count, 0);
    byLeg.set(leg, Math.max(byLeg.get(leg) ?? 0, count));
  }
  return [...byLeg.values()].reduce((sum, count) => sum + count, 0);
}
