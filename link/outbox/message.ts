/** A message on its two sides of the commit: what a use case says, and the row it became. */

/** What a use case says about a business fact. */
export interface Message {
  /** The event's name, for example `ManagerCreated`. */
  readonly event: string;
  /** The event's payload in the newest contract version, as JSON. */
  readonly payload: Record<string, unknown>;
  /** The entity's version, taken under its row lock; per key it rises by one with every message. */
  readonly version: bigint;
  /** W3C trace context to carry along. */
  readonly traceparent?: string;
  /** Only these consumers; all of the link when absent (a backfill serves one leg). */
  readonly legs?: readonly string[];
}

/** One open outbox row of a message. */
export interface Enqueued {
  readonly link: string;
  readonly leg: string;
  readonly lane: number;
  readonly seq: number;
  readonly eventId: string;
}
