/** The receipts that a consumer returns. */

import { laneOf } from '../link.ts';
import type { Receipt } from '../wire/receipt.ts';
import type { InboxRow } from './deduplicate.ts';
import type { Arrival, Delivery } from './delivery.ts';
import type { Fence } from './fence.ts';

export function settle(arrival: Arrival | Delivery, outcome: Receipt['outcome']): Receipt {
  const { eventId, epoch, eventVersion, hashedVersion = eventVersion } = arrival;
  return { eventId, outcome, epoch, version: hashedVersion };
}

/** Refused: the receipt names the lowest epoch that is accepted, so that the producer can catch up. */
export function fenced(arrival: Arrival | Delivery, fences: readonly Fence[]): Receipt {
  const lane = laneOf(arrival.key);
  const epoch = fences.find((one) => one.lane === lane)?.minEpoch ?? arrival.epoch;
  return { ...settle(arrival, 'fenced'), epoch };
}

/** Nothing is committed: it must be sent again. */
export function retry(arrival: Arrival, retryAfterMs: number, detail: string): Receipt {
  return { ...settle(arrival, 'retry'), retryAfterMs, detail };
}

/** The receipt of a message that is already in the inbox: dead and parked ones still are. */
export function settledBefore(row: InboxRow): Receipt {
  const { eventId, epoch, outcome, hashedVersion: version } = row;
  const isOpen = outcome === 'dead' || outcome === 'parked';
  return { eventId, outcome: isOpen ? outcome : 'duplicate', epoch, version };
}
