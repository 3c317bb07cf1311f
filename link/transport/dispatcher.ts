/**
 * What the relay asks of a transport. There are two: `grpc.ts` and `jetStream.ts`, of the same shape.
 * A dispatcher only carries; it decides nothing, keeps nothing and never throws.
 */

import { LinkError } from '../errors.ts';
import type { LinkDefinition } from '../link.ts';
import { contractOf } from '../link.ts';
import type { OutboxRow } from '../outbox/openRows.ts';

/** A message as it is dispatched: to whom for real, and to whom as a copy to be compared. */
export interface Parcel {
  readonly row: OutboxRow;
  /** The contract version of the route. */
  readonly version: number;
  readonly to: readonly { readonly consumer: string; readonly epoch: bigint }[];
  readonly shadow: readonly string[];
  /** Of `to`: consumers that also get a copy on another path. */
  readonly copied: readonly string[];
  /** How often it was sent again because no receipt came. */
  readonly resends: number;
}

export type SettledOutcome = 'applied' | 'superseded' | 'duplicate' | 'dead';

/** The consumer's word about a message. Only the settled ones close its outbox row. */
export type ReceiptOutcome = SettledOutcome | 'parked' | 'retry' | 'fenced';

export interface DispatchReceipt {
  readonly eventId: string;
  readonly outcome: ReceiptOutcome;
  /** The epoch under which the consumer settled it. */
  readonly epoch: bigint;
  readonly retryAfterMs?: number;
  readonly detail?: string;
}

export type DispatchResult =
  | { readonly kind: 'receipt'; readonly receipt: DispatchReceipt }
  /** Handed over; the receipt comes later. */
  | { readonly kind: 'sent' }
  /** Not handed over, or nobody knows: send the same message again. */
  | { readonly kind: 'failed'; readonly reason: string };

export function failed(reason: string): DispatchResult {
  return { kind: 'failed', reason };
}

export interface Dispatcher {
  dispatch(parcels: readonly Parcel[]): Promise<DispatchResult[]>;
}

/** The event's canonical text in the contract version of the route. */
export function textFor(link: LinkDefinition, row: OutboxRow, version: number): string {
  if (row.eventVersion === version) return row.body;
  const from = contractOf(link, row.event, row.eventVersion);
  const to = contractOf(link, row.event, version);
  throw new LinkError(
    'NO_TRANSPORT',
    `no mapping of ${row.event} from v${from?.version ?? row.eventVersion} to v${to?.version ?? version}`,
  );
}
