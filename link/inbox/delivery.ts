/** A message as it reached a consumer, by whatever transport, checked and ready to apply. */
import { messageOf } from '../../runtime/errors.ts';
import type { EventJson } from '../contracts/contract.ts';
import { payloadHash } from '../contracts/payloadHash.ts';
import { type LinkDefinition, laneOf } from '../link.ts';
import { isNewer, readableContract, readsOf, textIn, versionsOf } from '../versions.ts';
import { type Opened, openArrival } from './flatArrival.ts';
import { type FormalHandler, type Handler, isHandled } from './handler.ts';
import { type InForm, readingOf } from './reading.ts';

/** A message as its transport brought it; nothing in it is trusted yet. */
export interface Arrival {
  readonly link: string;
  readonly eventId: string;
  readonly event: string;
  /** The contract version that it travelled in. */
  readonly eventVersion: number;
  /** The contract version whose text is hashed, where it is another one. */
  readonly hashedVersion?: number | undefined;
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

export interface Delivery extends Arrival, InForm {
  readonly lane: number;
  readonly hashedVersion: number;
  readonly hash: bigint;
}

/** What the inbox keeps of a message's text: both sides of a certificate add it up. */
export interface Hashed {
  readonly hashedVersion: number;
  readonly hash: bigint;
}

/** Of an arrival that was refused, only the text that came is known. */
export function hashedOf(arrival: Arrival | Delivery): Hashed {
  const { eventId, eventVersion, text } = arrival;
  if ('hash' in arrival) return { hashedVersion: arrival.hashedVersion, hash: arrival.hash };
  return { hashedVersion: eventVersion, hash: payloadHash(eventId, text) };
}

/** Why a message can never be applied; docs/errors.md explains each. */
export type DeadReason =
  | 'INVALID_EVENT'
  | 'UNKNOWN_CONTRACT'
  | 'ID_REUSED'
  | 'PAST_HORIZON'
  | 'VERSION_PASSED'
  | 'HANDLER_FAILED'
  | 'HANDLER_TIMEOUT';

/** A build of later reads it: it is not refused, but tried again until such a process gets it. */
export const NEWER = 'NEWER_CONTRACT';

export interface Refusal {
  readonly ok: false;
  readonly reason: DeadReason | typeof NEWER;
  readonly detail: string;
}

export type Checked = { readonly ok: true; readonly delivery: Delivery } | Refusal;

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
  came: Arrival,
  handler: Pick<Handler, 'events'> & Pick<FormalHandler, 'oldestForm'>,
): Checked {
  const { event, eventVersion } = came;
  const hashedVersion = came.hashedVersion ?? eventVersion;
  const oldestForm = handler.oldestForm?.() ?? 0;
  const reading = readingOf(link, { event, eventVersion, hashedVersion }, oldestForm);
  if (!reading) return refuseUnread(link, came, hashedVersion);
  if (!isHandled(handler, event))
    return unknownContract(`the handler of ${link.id} does not handle ${event}`);
  const opened = openArrival(link, reading.contract, came);
  const { arrival, decoded } = opened;
  if (!decoded.ok) {
    const detail = decoded.problems.map((p) => `${p.field || 'event'}: ${p.message}`).join('; ');
    return { ok: false, reason: 'INVALID_EVENT', detail };
  }
  const mismatch = mismatchOf(link, opened, decoded.event);
  if (mismatch) return { ok: false, reason: 'INVALID_EVENT', detail: mismatch };
  const { eventId, key, text } = arrival;
  try {
    const hashed = textIn(link, { event, eventVersion, body: text }, hashedVersion);
    const hash = payloadHash(eventId, hashed);
    const form = reading.inForm(decoded.event.payload);
    return { ok: true, delivery: { ...arrival, ...form, lane: laneOf(key), hashedVersion, hash } };
  } catch (error) {
    return { ok: false, reason: 'INVALID_EVENT', detail: messageOf(error) };
  }
}

/** A version that this build does not read. */
function refuseUnread(link: LinkDefinition, came: Arrival, hashedVersion: number): Refusal {
  const { event, eventVersion } = came;
  const newest = Math.max(eventVersion, hashedVersion);
  if (isNewer(link, event, newest) && isKept(link, came, newest))
    return { ok: false, reason: NEWER, detail: sayNewer(link, event, newest) };
  const isRead = readableContract(link, event, eventVersion) !== undefined;
  return unknownContract(`${link.id} has no ${event} v${isRead ? hashedVersion : eventVersion}`);
}

/**
 * Whether waiting loses nothing. A build cannot tell a version that was listed after it from one that
 * nobody lists; but a relay, which names an epoch, keeps what it sent in its outbox, and sends no
 * version that its map lacks. What came around the outbox would be gone with the stream.
 */
function isKept(link: LinkDefinition, { epoch }: Arrival, version: number): boolean {
  return epoch > 0n || versionsOf(link).includes(version);
}

function sayNewer(link: LinkDefinition, event: string, version: number): string {
  return `${event} of ${link.id} came in v${version}, and this build reads v${readsOf(link)}: start a build that reads v${version}`;
}

function unknownContract(detail: string): Refusal {
  return { ok: false, reason: 'UNKNOWN_CONTRACT', detail };
}

/** Headers that contradict the event would corrupt order or identity. */
function mismatchOf(
  link: LinkDefinition,
  { arrival, isFlat }: Opened<Arrival>,
  { event_id, payload }: EventJson,
): string | undefined {
  if (arrival.eventId !== event_id) return 'event_id: differs from the id in the headers';
  if (!isUuid(arrival.eventId)) return 'event_id: is no UUID in lower case';
  if (arrival.key !== payload[link.keyField])
    return `payload.${link.keyField}: differs from the key in the headers`;
  if (arrival.version < 1n) return 'entity version: missing in the headers, or below 1';
  if (arrival.epoch < 1n && !isFlat) return 'epoch: missing in the headers, or below 1';
  return undefined;
}
