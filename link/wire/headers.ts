/**
 * What travels with an event: NATS headers on `async`, gRPC metadata on `sync`. The names are a
 * public interface; both forms carry the same facts.
 */
export const HEADER = {
  messageId: 'Nats-Msg-Id',
  expectedStream: 'Nats-Expected-Stream',
  /** Only where it differs from the message id. */
  eventId: 'Relink-Event-Id',
  key: 'Relink-Key',
  version: 'Relink-Entity-Version',
  epoch: 'Relink-Epoch',
  /** The contract version whose text both sides hash; only where it is not the one that travels. */
  hashedVersion: 'Relink-Hashed-Version',
  source: 'Relink-Source',
  /** The addressees, each with the epoch of its leg: `hiring=5,bonuses=6`. */
  consumers: 'Relink-Consumers',
  /** Consumers that get it only as a copy to compare: `hiring,bonuses`. */
  shadow: 'Relink-Shadow',
  /** Addressees that also get a copy on another path. */
  copied: 'Relink-Copied',
  traceparent: 'traceparent',
} as const;

/** The same facts as gRPC metadata keys (which are lower case). */
export const METADATA = {
  link: 'relink-link',
  eventId: 'relink-event-id',
  key: 'relink-key',
  version: 'relink-entity-version',
  epoch: 'relink-epoch',
  hashedVersion: 'relink-hashed-version',
  source: 'relink-source',
  shadow: 'relink-shadow',
  copied: 'relink-copied',
  traceparent: 'traceparent',
} as const;

/**
 * Header values must be printable ASCII. Anything else, and `%` itself, is percent-encoded, so that
 * any key survives both NATS headers and gRPC metadata.
 */
export function encodeHeaderValue(value: string): string {
  return /^[\x21-\x24\x26-\x7e]*$/.test(value) ? value : encodeURIComponent(value);
}

export function decodeHeaderValue(value: string): string {
  if (!value.includes('%')) return value;
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}

/**
 * The integer in a header; 0 when it is not a positive integer, which every arrival's check
 * refuses.
 */
export function readInteger(text: string): bigint {
  return /^\d{1,18}$/.test(text) ? BigInt(text) : 0n;
}

/** The version in a header; undefined where there is none, and -1 where it is no version. */
export function readVersion(text: string | undefined): number | undefined {
  if (!text) return undefined;
  return /^\d{1,4}$/.test(text) ? Number(text) : -1;
}
