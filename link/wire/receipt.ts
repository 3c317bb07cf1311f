/**
 * The receipt: a consumer's word about one message, whichever way it travels. On `sync` it is the
 * answer of the call, on `async` it comes in batches over core NATS, and `GetReceipts` asks for one
 * that did not come.
 */

/** Outcomes after which the consumer will never want the message again: they close its outbox row. */
export type SettledOutcome = 'applied' | 'superseded' | 'duplicate' | 'dead';

/**
 * - `parked`: kept until an earlier message of its key is settled
 * - `retry`: nothing is committed, send it again
 * - `fenced`: it was dispatched under an epoch that the consumer refuses by now
 */
export type ReceiptOutcome = SettledOutcome | 'parked' | 'retry' | 'fenced';

export interface Receipt {
  readonly eventId: string;
  readonly outcome: ReceiptOutcome;
  /** The epoch under which the consumer settled it. */
  readonly epoch: bigint;
  /** With `retry`: not before this time. */
  readonly retryAfterMs?: number;
  readonly detail?: string;
}
