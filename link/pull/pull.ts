/** What a service declares for a link that it may consume by `pull`. */
import type { Transaction } from '../../runtime/postgres.ts';
import type { PulledValue } from './pulledValue.ts';

/** What the consumer of such a link gives the kit. */
export interface Pull {
  /** The value its handlers read. */
  readonly value: Pick<
    PulledValue<{ readonly version: bigint }>,
    'latencies' | 'asked' | 'unanswered' | 'compare'
  >;
  /** Create and drop the replica's table; both may be repeated. */
  readonly makeTable: (tx: Transaction) => Promise<void>;
  readonly dropTable: (tx: Transaction) => Promise<void>;
}
