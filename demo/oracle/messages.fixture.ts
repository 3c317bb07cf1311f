/** Messages as a link leaves them behind, for the oracle's tests. */
import { randomUUIDv7 } from 'node:crypto';
import { type LinkMap, laneOf } from '../../link/link.ts';
import type { Database } from '../../runtime/postgres.ts';
import type { History } from '../traffic/history.ts';

const EPOCH = 1;

/** An answer that a caller got, put into a history. */
export type Answer = (history: History) => void;

/** The databases while they are being filled. */
export interface EmptyCompany {
  readonly links: LinkMap;
  readonly database: (service: string) => Database;
  /** Ids of the three managers. */
  readonly ids: readonly [string, string, string];
  /** Has every test start with this answer in its history. */
  readonly record: (answer: Answer) => void;
}

/** A message that was settled at every consumer and closed at the producer. */
export async function carry(
  { database, links }: Pick<EmptyCompany, 'database' | 'links'>,
  link: string,
  key: string,
  version: number,
): Promise<void> {
  const { producer, consumers } = links[link]!;
  for (const consumer of Object.keys(consumers)) {
    const hash = await addInboxRow(database(consumer), { link, key, version });
    await addClosed(database(producer), { link, consumer, key, hash });
  }
}

interface InboxOptions {
  link: string;
  key: string;
  version: number;
  outcome?: string;
  receivedAt?: Date;
  epoch?: number;
}

/** Adds a settled message, in a transaction of its own; returns its hash. */
export async function addInboxRow(sql: Database, options: InboxOptions): Promise<number> {
  const { link, key, version, outcome = 'applied', epoch = EPOCH } = options;
  const { receivedAt = new Date() } = options;
  const hash = Math.floor((Math.random() - 0.5) * 2 ** 48);
  await sql`
    insert into relink.inbox
      (event_id, link, lane, epoch, key, version, event_version, hash, outcome, received_at)
    values (${randomUUIDv7()}, ${link}, ${laneOf(key)}, ${epoch}, ${key}, ${version}, 0, ${hash},
      ${outcome}, ${receivedAt.toISOString()})`;
  return hash;
}

/** Counts one more message of the key's lane as closed by receipts. */
export async function addClosed(
  owner: Database,
  closed: { link: string; consumer: string; key: string; hash: number; epoch?: number },
): Promise<void> {
  const { link, consumer, key, hash, epoch = EPOCH } = closed;
  await owner`
    insert into relink.closed (leg, lane, epoch, count, sum)
    values (${`${link}/${consumer}`}, ${laneOf(key)}, ${epoch}, 1, ${hash})
    on conflict (leg, lane, epoch) do update
    set count = closed.count + 1, sum = closed.sum + excluded.sum`;
}
