/** A message before the commit, as a use case states it, and after it, as outbox rows. */

import type { EventJson } from '../contracts/contract.ts';

/** A business fact, as a use case states it. `Event` is the JSON type of its event. */
export interface Message<Event extends EventJson = EventJson> {
  /** The event's name, for example `ManagerCreated`. */
  readonly event: Event['event_name'];
  /** The event's payload in the newest contract version, as JSON. */
  readonly payload: Event['payload'];
  /**
   * Fields that older contract versions need and the newest lacks. Written only by a build that still
   * writes such a version.
   */
  readonly complement?: EventJson['payload'];
  /** The entity's version, taken under its row lock; per key it rises by one with every message. */
  readonly version: bigint;
  /** W3C trace context to carry along. */
  readonly traceparent?: string;
  /** Only these legs; all legs of the link when absent (a backfill serves one leg). */
  readonly legs?: readonly string[];
}

/** A message of one of several events: the name of the event decides the type of the payload. */
export type MessageFor<Event extends EventJson> = Event extends EventJson ? Message<Event> : never;

/** One open outbox row of a message. */
export interface Enqueued {
  readonly link: string;
  readonly leg: string;
  readonly lane: number;
  readonly seq: number;
  readonly eventId: string;
}
