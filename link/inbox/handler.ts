/** What a service gives the kit to apply a link's messages. */
import type { Transaction } from '../../runtime/postgres.ts';
import { LinkError } from '../errors.ts';

/** One state of an entity, as a formal link carries it. */
export interface Change {
  readonly key: string;
  /** The owner's version of the entity. */
  readonly version: bigint;
  readonly event: string;
  readonly eventVersion: number;
  readonly payload: Record<string, unknown>;
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
export interface BusinessEvent extends Change {
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
export type ApplyEvent = (tx: Transaction, event: BusinessEvent) => Promise<Basis | undefined>;

export type Handler =
  | { readonly kind: 'formal'; readonly apply: ApplyChanges }
  | { readonly kind: 'functional'; readonly apply: ApplyEvent };

export function formal(apply: ApplyChanges): Handler {
  return { kind: 'formal', apply };
}

export function functional(apply: ApplyEvent): Handler {
  return { kind: 'functional', apply };
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
