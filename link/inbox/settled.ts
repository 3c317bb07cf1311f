/** What the inbox holds, message by message: to find what the producer does not know any more. */
import type { Database } from '../../runtime/postgres.ts';

export interface SettledMessage {
  readonly eventId: string;
  readonly lane: number;
  readonly key: string;
  readonly version: bigint;
  readonly epoch: bigint;
  readonly hash: bigint;
  readonly hashedVersion: number;
  readonly outcome: string;
  readonly receivedAt: Date;
}

export interface SettledPage {
  /** Received since then; Unix milliseconds. */
  readonly sinceMs: number;
  readonly lanes: readonly number[];
  /** The last id of the page before; empty to begin. */
  readonly afterId: string;
  readonly limit: number;
}

/** A transaction may take this long from the making of its ids to its commit, and clocks may differ. */
const WRITTEN_BEFORE_MS = 60_000;

/**
 * A page in the order of event ids, which is that of writing: what was written a minute before `since`
 * is not looked at. Messages of no route (epoch 0) are left out: their producers have no outbox.
 */
export function readSettled(
  sql: Database,
  link: string,
  { sinceMs, lanes, afterId, limit }: SettledPage,
): Promise<SettledMessage[]> {
  const first = firstIdOf(Math.max(0, sinceMs - WRITTEN_BEFORE_MS));
  return sql<SettledMessage[]>`
    select event_id as "eventId", lane, key, version, epoch, hash,
      event_version as "hashedVersion", outcome, received_at as "receivedAt"
    from relink.inbox
    where link = ${link} and epoch > 0 and lane = any(${lanes as number[]}::int2[])
      and received_at >= to_timestamp(${sinceMs}::float8 / 1000)
      and event_id >= ${first}::uuid and (${afterId} = '' or event_id > nullif(${afterId}, '')::uuid)
    order by event_id limit ${limit}`;
}

/** The lowest UUIDv7 of a millisecond. */
function firstIdOf(ms: number): string {
  const hex = Math.floor(ms).toString(16).padStart(12, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8)}-0000-0000-000000000000`;
}
