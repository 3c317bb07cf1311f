/**
 * What the relay needs from a transport. There are two, `grpc/send.ts` and `jetStream/send.ts`, of
 * the same shape. A dispatcher only carries: it decides nothing, keeps nothing and never throws.
 */
import type { Parcel } from '../wire/parcel.ts';
import type { Receipt } from '../wire/receipt.ts';

export type DispatchResult =
  | { readonly kind: 'receipt'; readonly receipt: Receipt }
  /** Handed over; the receipt comes later. Where it was stored, under which number. */
  | { readonly kind: 'sent'; readonly streamSeq?: number }
  /** Not handed over, or the outcome is unknown: send the same message again. */
  | { readonly kind: 'failed'; readonly reason: string }
  /** Not handed over, and the reason is this message alone: others may go on, its key waits. */
  | { readonly kind: 'refused'; readonly reason: string };

export function failed(reason: string): DispatchResult {
  return { kind: 'failed', reason };
}

export interface Dispatcher {
  /** Returns one result per parcel, in their order. */
  dispatch(parcels: readonly Parcel[]): Promise<DispatchResult[]>;
  /** Why this one would be refused, where that is known without trying; empty where it is not. */
  refusalOf?(parcel: Parcel): string;
}
