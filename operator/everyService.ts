/** What every service keeps a part of: one list over all of them, and who holds an entry. */
import type { DescMessage, MessageInitShape } from '@bufbuild/protobuf';
import {
  type ParticipantClient,
  type Participants,
  REPEATABLE,
} from '../migration/participants.ts';
import { RpcCallError, unknownId } from '../rpc/errors.ts';
import { readPage } from '../rpc/paging.ts';

export interface ServicePage<Entry> {
  readonly entries: readonly Entry[];
  readonly nextId: string;
}

/** One page, oldest first, of the pages of all services: ids are UUIDv7, so their order is that of time. */
export async function oldestOf<Schema extends DescMessage, Entry extends { readonly id: string }>(
  pages: readonly ServicePage<Entry & MessageInitShape<Schema>>[],
  schema: Schema,
  limit: number,
) {
  // A service's page may end before its list does: what others have after that comes later.
  const ends = pages.flatMap(({ nextId }) => nextId || []).sort();
  const known = pages
    .flatMap(({ entries }) => entries)
    .filter(({ id }) => ends.length === 0 || id <= ends[0]!)
    .sort((a, b) => (a.id < b.id ? -1 : 1));
  const { entries, next } = await readPage({
    after: '',
    limit,
    read: async (page) => known.filter(({ id }) => id > page.after).slice(0, page.limit),
    keyOf: ({ id }) => id,
    entry: schema,
    toWire: (entry) => entry,
  });
  return { entries, nextId: next ?? ends[0] ?? '' };
}

/** The service that has an entry of this id, and what it says of it. */
export async function findHolder<T>(
  participants: Participants,
  what: string,
  ask: (client: ParticipantClient, options: typeof REPEATABLE) => Promise<T>,
): Promise<{ readonly client: ParticipantClient; readonly found: T }> {
  let unanswered: RpcCallError | undefined;
  for (const service of participants.services) {
    const client = participants.of(service);
    try {
      return { client, found: await ask(client, REPEATABLE) };
    } catch (error) {
      if (!(error instanceof RpcCallError)) throw error;
      if (error.outcome === 'unknown') unanswered = error;
      else if (error.code !== 'NOT_FOUND') throw error;
    }
  }
  // The one that did not answer may have it.
  throw unanswered ?? unknownId('id', what);
}

/** Services without this link have none to show. */
export async function orNone<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    if (error instanceof RpcCallError && error.code === 'NOT_FOUND') return undefined;
    throw error;
  }
}
