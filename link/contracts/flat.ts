/**
 * Events of producers elsewhere that write the payload alone, without the envelope around it. What the
 * envelope says beside the payload, the transport must know: above all the id, by which a duplicate is
 * known. It is never made of the content, because the same fact may truly happen twice.
 */
import { type Contract, type Decoded, decodeJson, type EventJson } from './contract.ts';
import type { Problem } from './validator.ts';

/** What a flat event does not say of itself. */
export interface FlatArrival {
  /** Id of the message, a UUID: the same however often it is sent. */
  readonly eventId: string;
  /** RFC 3339. */
  readonly producedAt: string;
}

/**
 * Validates an event that may have come flat; one with an envelope is validated as it is. Pure, and
 * never throws on bad input. Problems of a flat event name fields as its sender wrote them.
 */
export function acceptFlat<Json extends EventJson>(
  contract: Contract<Json>,
  value: unknown,
  { eventId, producedAt }: FlatArrival,
): Decoded<Json> {
  if (!isFlat(contract, value)) return decodeJson(contract, value);
  const decoded = decodeJson(contract, {
    event_id: eventId,
    event_version: contract.version,
    event_name: contract.event,
    produced_at: producedAt,
    payload: value,
  });
  return decoded.ok ? decoded : { ok: false, problems: decoded.problems.map(asWritten) };
}

/** Without any field of the envelope: one that has some and lacks others is broken, not flat. */
export function isFlat(
  { schema }: Contract,
  value: unknown,
): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  return Object.keys(schema.properties ?? {}).every((name) => !Object.hasOwn(value, name));
}

function asWritten({ field, message }: Problem): Problem {
  return { field: field.replace(/^payload\.?/, ''), message };
}
