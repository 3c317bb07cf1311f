/**
 * What an erasure statement says: that fields which a contract version took from a link's consumers
 * are nowhere left. They were looked for by the hashes of what their owner has in them, in everything
 * that the statement lists, and nowhere else.
 */

/** Somewhere that was searched. */
export interface SearchedPlace {
  /** `hiring: table relink.dead_letters`, `stream COMM-010`, `log hiring-1.log` */
  readonly place: string;
  /** Rows, messages or lines. */
  readonly entries: number;
  /** Of these, entries with something in them that was looked for. */
  readonly found: number;
}

export interface ErasureStatement {
  readonly kind: 'erasure';
  readonly run: string;
  readonly link: string;
  /** Empty: it is about every service. */
  readonly consumer: '';
  /** The epoch from which on nothing was sent in an older version. */
  readonly epoch: number;
  /** The oldest contract version that is still carried. */
  readonly version: number;
  /** `first_name`, `last_name` */
  readonly fields: readonly string[];
  /** Entities whose values were looked for. */
  readonly count: number;
  readonly searched: readonly SearchedPlace[];
  /** What was not searched, and why, in words. */
  readonly left_out: readonly string[];
}

export function isNothingLeft({ searched, count }: ErasureStatement): boolean {
  return count >= 0 && searched.length > 0 && searched.every(({ found }) => found === 0);
}

/** `hiring: relink.attempts.detail: 3; stream AUDIT: 1` */
export function listTraces({ searched }: ErasureStatement): string {
  const left = searched.filter(({ found }) => found > 0);
  return left.map(({ place, found }) => `${place}: ${found}`).join('; ');
}
