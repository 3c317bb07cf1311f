/** What a service gives the kit to apply a link's messages: a function for each event, by its name. */
import type { Transaction } from '../../runtime/postgres.ts';
import type { EventJson } from '../contracts/contract.ts';
import { LinkError } from '../errors.ts';
import type { LinkDefinition } from '../link.ts';

/** What every handler is given. `Event` is the JSON type of the event. */
interface Carried<Event extends EventJson> {
  readonly key: string;
  /** The owner's version of the entity. */
  readonly version: bigint;
  readonly event: Event['event_name'];
  /** In the newest contract version, whatever it travelled in. */
  readonly payload: Event['payload'];
}

/** One state of an entity, as a formal link carries it. */
export interface Change<Event extends EventJson = EventJson> extends Carried<Event> {
  /** A row is stored as this contract version has it: the one that it travelled in, or `oldestForm`. */
  readonly contractVersion: number;
  /** Fields that this version has and the newest lacks. */
  readonly older: EventJson['payload'];
}

/**
 * Applies the newest change of each key, all in one call, and returns the keys whose stored version
 * was older. It must compare versions in the statement that writes (see `upsertNewer`): that is what
 * makes it safe to run twice and in any order.
 */
export type ApplyChanges = (
  tx: Transaction,
  changes: readonly Change[],
) => Promise<ReadonlySet<string>>;

/** One business event, as a functional link carries it. */
export interface BusinessEvent<Event extends EventJson = EventJson> extends Carried<Event> {
  readonly eventId: string;
}

/**
 * What a handler based its decision on beside the event, for example the version of a rating. Two
 * runs are compared only when they had the same basis.
 */
export type Basis = Readonly<Record<string, string | number | bigint>>;

/**
 * Applies one business event. Called once per event id that commits. Returns what else it read that
 * other events may change at any time.
 */
export type ApplyEvent<Event extends EventJson = EventJson> = (
  tx: Transaction,
  event: BusinessEvent<Event>,
) => Promise<Basis | undefined>;

/** A function for each event, by the event's name. */
export type EventHandlers<Event extends EventJson> = {
  readonly [One in Event as One['event_name']]: ApplyEvent<One>;
};

/** The names of events, as keys: so the compiler sees that one is missing. */
export type EventNames<Event extends EventJson> = {
  readonly [One in Event as One['event_name']]: true;
};

export interface FormalHandler<Event extends EventJson = EventJson> {
  readonly kind: 'formal';
  readonly events: EventNames<Event>;
  readonly apply: ApplyChanges;
  /** The oldest contract version in whose form rows can be stored; any, when absent. */
  readonly oldestForm?: () => number;
}

export interface FunctionalHandler<Event extends EventJson = EventJson> {
  readonly kind: 'functional';
  readonly events: EventNames<Event>;
  readonly apply: ApplyEvent;
  readonly independentKeys: boolean;
}

export interface FunctionalOptions {
  /**
   * Events of different keys that come together are handled at the same time, in one transaction, so
   * that their statements need not wait for each other's answers; events of one key still one after
   * another. Right only when what a handler reads and then writes belongs to the key of its event
   * alone: `for update` does not keep two handlers of one transaction apart. Default false.
   */
  readonly independentKeys?: boolean;
}

/** `Event` is the union of the JSON types of the events that it handles. */
export type Handler<Event extends EventJson = EventJson> =
  | FormalHandler<Event>
  | FunctionalHandler<Event>;

/** A formal handler of these events; most consumers only need `keepNewest`. */
export function formal<Event extends EventJson>(
  events: EventNames<Event>,
  apply: ApplyChanges,
): FormalHandler<Event> {
  return { kind: 'formal', events, apply };
}

/**
 * A functional handler.
 *
 * @example
 * functional<LinkEvent<'COMM-040'>>({
 *   SolutionCompleted: async (tx, event) => { … },
 *   SolutionRevoked: async (tx, event) => { … },
 * });
 */
export function functional<Event extends EventJson>(
  handlers: EventHandlers<Event>,
  { independentKeys = false }: FunctionalOptions = {},
): FunctionalHandler<Event> {
  const handlerOf = new Map<string, ApplyEvent>(Object.entries(handlers));
  return {
    kind: 'functional',
    independentKeys,
    events: namesIn(handlers),
    apply: async (tx, event) => {
      const handle = handlerOf.get(event.event);
      // The receiver refuses such a message before; a handler must not guess, whoever calls it.
      if (!handle) throw new LinkError('UNKNOWN_EVENT', `${event.event} has no handler`);
      return handle(tx, event);
    },
  };
}

/** The events that an object names by its keys. */
export function namesIn<Event extends EventJson>(byName: object): EventNames<Event> {
  return Object.fromEntries(Object.keys(byName).map((name) => [name, true])) as EventNames<Event>;
}

/** Whether the handler has a function for this event. */
export function isHandled({ events }: Pick<Handler, 'events'>, event: string): boolean {
  return Object.hasOwn(events, event);
}

/**
 * The handler, if it is one of the link's kind and handles exactly the events of the link. The
 * compiler sees this too; a program without types learns it when it starts.
 * @throws LinkError HANDLER_MISMATCH
 */
export function requireHandler(link: LinkDefinition, handler: Handler | undefined): Handler {
  const carried = new Set(link.contracts.map(({ event }) => event));
  if (!handler) throw mismatch(`${link.id} has no handler; give the kit one in handlers`);
  if (handler.kind !== link.kind)
    throw mismatch(
      `${link.id} is ${link.kind} but its handler is ${handler.kind}; ${MAKE_IT[link.kind]}`,
    );
  const missing = [...carried].filter((event) => !isHandled(handler, event));
  if (missing.length > 0)
    throw mismatch(`${link.id} carries ${missing.join(', ')}, which its handler does not handle`);
  const strange = Object.keys(handler.events).filter((event) => !carried.has(event));
  if (strange.length > 0)
    throw mismatch(
      `${link.id} does not carry ${strange.join(', ')}, which its handler handles; remove it, or list its contract in the map`,
    );
  return handler;
}

const MAKE_IT: Record<LinkDefinition['kind'], string> = {
  formal: 'make it with keepNewest(…)',
  functional: 'make it with functional(…)',
};

function mismatch(what: string): LinkError {
  return new LinkError('HANDLER_MISMATCH', what);
}

/**
 * Rejects when a handler takes too long; the rejection rolls its transaction back.
 * @throws LinkError HANDLER_TIMEOUT
 */
export async function withinLimit<T>(limitMs: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_resolve, reject) => {
    const message = `the handler took longer than ${limitMs} ms`;
    timer = setTimeout(() => reject(new LinkError('HANDLER_TIMEOUT', message)), limitMs);
  });
  work.catch(() => {}); // abandoned after the limit: its own end no longer matters
  try {
    return await Promise.race([work, limit]);
  } finally {
    clearTimeout(timer);
  }
}
