/** A message on its two sides of the commit: what a use case says, and the row it became. */

import type { EventJson } from '../contracts/contract.ts';

/** What a use case says about a business fact. `Event` is the JSON type of its event. */
export interface Message<Event extends EventJson = EventJson> {
  /** The event's name, for example `ManagerCreated`. */
  readonly event: Event['event_name'];
  /** The event's payload in the newest contract version, as JSON. */
  readonly payload: Event['payload'];
  /** The entity's version, taken under its row lock; per key it rises by one with every message. */
  readonly version: bigint;
  /** W3C trace context to carry along. */
  readonly traceparent?: string;
  /** Only these consumers; all of the link when absent (a backfill serves one leg). */
  readonly legs?: readonly string[];
}

/** A message of one of several events: its payload is the one of the event that it names. */
export type MessageFor<Event extends EventJson> = Event extends EventJson ? Message<Event> : never;

/** One open outbox row of a message. */
export interface Enqueued {
  readonly link: string;
  readonly leg: string;
  readonly lane: number;
  readonly seq: number;
  readonly eventId: string;
}
