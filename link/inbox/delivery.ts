/** A message as it reached a consumer, by whatever transport, checked and ready to apply. */
import { type Contract, decodeText } from '../contracts/contract.ts';
import { payloadHash } from '../contracts/payloadHash.ts';
import { contractOf, type LinkDefinition, laneOf } from '../link.ts';
import { type Handler, isHandled } from './handler.ts';

/** A message as its transport brought it; nothing in it is trusted yet. */
export interface Arrival {
  readonly link: string;
  readonly eventId: string;
  readonly event: string;
  readonly eventVersion: number;
  readonly key: string;
  readonly version: bigint;
  readonly epoch: bigint;
  readonly source: string;
  /** Only a copy, to be compared: it must have no effect. */
  readonly isShadow: boolean;
  /** A copy of it travels on another path. */
  readonly isCopied: boolean;
  readonly traceparent: string | undefined;
  /** The event as canonical text. */
  readonly text: string;
}

export interface Delivery extends Arrival {
  readonly lane: number;
  readonly payload: Record<string, unknown>;
  readonly hash: bigint;
}

/** Why a message can never be applied; docs/errors.md explains each. */
export type DeadReason =
  | 'INVALID_EVENT'
  | 'UNKNOWN_CONTRACT'
  | 'ID_REUSED'
  | 'HANDLER_FAILED'
  | 'HANDLER_TIMEOUT';

export type Checked =
  | { readonly ok: true; readonly delivery: Delivery }
  | { readonly ok: false; readonly reason: DeadReason; readonly detail: string };

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

export function isUuid(text: string): boolean {
  return UUID.test(text);
}

/**
 * Checks an arrival against its contract, and its headers against its payload; a refusal says which
 * field and why.
 */
export function checkArrival(
  link: LinkDefinition,
  arrival: Arrival,
  handler: Pick<Handler, 'events'>,
): Checked {
  const contract = contractOf(link, arrival.event, arrival.eventVersion);
  if (!contract)
    return {
      ok: false,
      reason: 'UNKNOWN_CONTRACT',
      detail: `${link.id} has no ${arrival.event} v${arrival.eventVersion}`,
    };
  if (!isHandled(handler, arrival.event))
    return {
      ok: false,
      reason: 'UNKNOWN_CONTRACT',
      detail: `the handler of ${link.id} does not handle ${arrival.event}`,
    };
  const decoded = decodeText(contract as Contract<Record<string, unknown>>, arrival.text);
  if (!decoded.ok) {
    const detail = decoded.problems.map((p) => `${p.field || 'event'}: ${p.message}`).join('; ');
    return { ok: false, reason: 'INVALID_EVENT', detail };
  }
  const payload = decoded.event.payload as Record<string, unknown>;
  const mismatch = mismatchOf(link, arrival, decoded.event.event_id, payload);
  if (mismatch) return { ok: false, reason: 'INVALID_EVENT', detail: mismatch };
  return {
    ok: true,
    delivery: {
      ...arrival,
      lane: laneOf(arrival.key),
      payload,
      hash: payloadHash(arrival.eventId, arrival.text),
    },
  };
}

/** Headers that contradict the event would corrupt order or identity. */
function mismatchOf(
  link: LinkDefinition,
  arrival: Arrival,
  eventId: unknown,
  payload: Record<string, unknown>,
): string | undefined {
  if (arrival.eventId !== eventId) return 'event_id: differs from the id in the headers';
  if (arrival.key !== payload[link.keyField])
    return `payload.${link.keyField}: differs from the key in the headers`;
  if (arrival.version < 1n) return 'entity version: missing in the headers, or below 1';
  if (arrival.epoch < 1n) return 'epoch: missing in the headers, or below 1';
  return undefined;
}
