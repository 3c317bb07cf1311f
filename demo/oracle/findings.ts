/** What the oracle compares and what it may find: one finding per comparison that did not hold. */

/**
 * - `lost`: something committed or promised that did not arrive
 * - `doubled`: an effect that happened more often than its cause
 * - `reordered`: an older version took effect after a newer one
 * - `changed`: it arrived with other contents
 * - `leftover`: something that should be gone: an open message, a dead letter
 */
export const DAMAGES = ['lost', 'doubled', 'reordered', 'changed', 'leftover'] as const;
export type Damage = (typeof DAMAGES)[number];

/** One message or row that is wrong. */
export type Case = {
  /** The message's key or the row's id, or `lane 3 epoch 7` where only a sum is known. */
  readonly what: string;
  /** The version; 0 when no single one is meant. */
  readonly version: bigint;
  /** Milliseconds since 1970 when the message was written; 0 when that is not known. */
  readonly writtenMs: number;
  /** How many messages or effects; 1 unless a sum is meant. */
  readonly count: number;
};

export type Finding = {
  readonly damage: Damage;
  /** The comparison that found it, as a sentence: `hiring applied an older version after a newer`. */
  readonly sentence: string;
  /** The link that did it; empty when it was none. */
  readonly link: string;
  /** The consumer, or empty for the owner's own side. */
  readonly consumer: string;
  readonly cases: readonly Case[];
};

/** Where a comparison looks. */
export type Where = Pick<Finding, 'link' | 'consumer'>;

/** A comparison of no single link. */
export const NO_LINK: Where = { link: '', consumer: '' };

/** A comparison that held, or the damage that it found. */
export type Check = {
  /** What holds when nothing was found, with its number. */
  readonly claim: string;
  readonly findings: readonly Finding[];
};

export function caseOf(what: string, version = 0n, more: Partial<Case> = {}): Case {
  return { what, version, writtenMs: 0, count: 1, ...more };
}

export function found(
  damage: Damage,
  { link, consumer }: Where,
  sentence: string,
  cases: readonly Case[],
): Finding {
  return { damage, link, consumer, sentence, cases };
}

/** The findings that have cases; a comparison calls this with everything that it looked for. */
export function checkOf(claim: string, looked: readonly Finding[]): Check {
  return { claim, findings: looked.filter(({ cases }) => cases.length > 0) };
}

/** `1,234` */
export function say(count: number | bigint): string {
  return count.toLocaleString('en');
}

/**
 * How much of a kind of damage there is. One lost message shows in several comparisons (no inbox row,
 * an older replica, a lane's sum): the largest number of any one counts, per link and consumer.
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
