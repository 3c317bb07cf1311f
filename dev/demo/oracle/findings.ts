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
  /** Manager, or `lane 3 epoch 7` where only a sum is known. */
  readonly what: string;
  /** The manager's version; 0 when no single one is meant. */
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
  /** The consumer, or empty for the owner's own side. */
  readonly consumer: string;
  readonly cases: readonly Case[];
};

/** A comparison that held, or the damage that it found. */
export type Check = {
  /** What holds when nothing was found, with its number. */
  readonly claim: string;
  readonly findings: readonly Finding[];
};

export function caseOf(what: string, version: bigint, more: Partial<Case> = {}): Case {
  return { what, version, writtenMs: 0, count: 1, ...more };
}

/** The findings that have cases; a comparison calls this with everything that it looked for. */
export function checkOf(claim: string, looked: readonly Finding[]): Check {
  return { claim, findings: looked.filter(({ cases }) => cases.length > 0) };
}

/**
 * How much of a kind of damage there is. One lost message shows in several comparisons (no inbox row,
 * an older replica, a lane's sum): the largest number of any one counts, per consumer.
 */
export function countDamage(findings: readonly Finding[], damage: Damage): number {
  const byConsumer = new Map<string, number>();
  for (const { consumer, cases, damage: found } of findings) {
    if (found !== damage) continue;
    const count = cases.reduce((sum, one) => sum + one.count, 0);
    byConsumer.set(consumer, Math.max(byConsumer.get(consumer) ?? 0, count));
  }
  return [...byConsumer.values()].reduce((sum, count) => sum + count, 0);
}
