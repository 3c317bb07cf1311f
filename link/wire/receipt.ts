/**
 * A consumer's receipt for one message, the same on every transport. On `sync` it is the response
 * to the call; on `async` it arrives in batches over core NATS; `GetReceipts` asks for a missing
 * one.
 */

/** Final outcomes: the consumer will never need the message again, so its outbox row is closed. */
export type SettledOutcome = 'applied' | 'superseded' | 'duplicate' | 'dead';

/**
 * - `parked`: kept until an earlier message of its key is settled
 * - `retry`: nothing is committed, send it again
 * - `fenced`: dispatched under an epoch that the consumer no longer accepts
 */
export type ReceiptOutcome = SettledOutcome | 'parked' | 'retry' | 'fenced';

export interface Receipt {
  readonly eventId: string;
  readonly outcome: ReceiptOutcome;
  /** The epoch under which the consumer settled it; of a fenced one, the lowest that is accepted. */
  readonly epoch: bigint;
  /** The contract version whose text the consumer hashed; an older consumer does not say. */
  readonly version?: number;
  /** With `retry`: do not send it again earlier. */
  readonly retryAfterMs?: number;
  readonly detail?: string;
}

/** The version of a receipt that an older consumer leaves out. */
export function versionIn(version: number | null | undefined): Pick<Receipt, 'version'> {
  return typeof version === 'number' ? { version } : {};
}
