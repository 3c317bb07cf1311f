/** What a service declares for a link that it consumes and that may be `pull`. */
import type { Transaction } from '../../runtime/postgres.ts';
import type { PulledValue } from './pulledValue.ts';

/** What a consumer of a link that may be `pull` gives the kit. */
export interface Pull {
  /** The value its handlers read. */
  readonly value: Pick<
    PulledValue<{ readonly version: bigint }>,
    'latencies' | 'asked' | 'unanswered' | 'compare'
  >;
  /** Makes or drops the table of the replica; both may be repeated. */
  readonly makeTable: (tx: Transaction) => Promise<void>;
  readonly dropTable: (tx: Transaction) => Promise<void>;
}
