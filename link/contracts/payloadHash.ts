/**
 * The hash that exposes a message id reused with a different payload, and that certificates add up:
 * the first 8 bytes of SHA-256 over the UTF-8 of `event_id + "\n" + text`, read as a signed
 * big-endian integer. `text` is the event's text as stored and sent, never re-parsed.
 *
 * The same in PostgreSQL:
 *   ('x' || left(encode(sha256(convert_to(event_id || E'\n' || text, 'UTF8')), 'hex'), 16))
 *     ::bit(64)::bigint
 */
import { hash } from 'node:crypto';

const hexDigits = 16; // of 8 bytes

/** The hash of one message. The id is part of it so that equal payloads differ in a sum. */
export function payloadHash(eventId: string, text: string): bigint {
  const digest = hash('sha256', `${eventId}\n${text}`, 'hex');
  return BigInt.asIntN(64, BigInt(`0x${digest.slice(0, hexDigits)}`));
}
