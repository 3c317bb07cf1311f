/**
 * Where a duplicate dies: the inbox holds the id of every message that took effect, entered in the
 * transaction of that effect.
 */
import type { Database, Transaction } from '../../runtime/postgres.ts';
import type { Receipt } from '../wire/receipt.ts';
import type { Delivery, Hashed } from './delivery.ts';
import { holdFence } from './fence.ts';

export interface InboxRow extends Hashed {
  readonly eventId: string;
  readonly outcome: Receipt['outcome'];
  readonly epoch: bigint;
}

/**
 * Enters messages in the inbox, in the transaction of their effect, unless they are there already
 * or were dispatched under an epoch that the fence refuses. Returns how many are new. Epoch 0 is
 * of no route and of no certificate: it is not fenced.
 *
 * The shared advisory lock keeps `raiseFence` waiting until this transaction has ended: once a
 * fence is raised, no older effect can commit behind it. Ids are entered in order, so that of two
 * transactions with the same messages one waits for the other, instead of both deadlocking.
 */
export async function enterInbox(
  tx: Transaction,
  link: string,
  deliveries: readonly Delivery[],
): Promise<number> {
  return (await entry(tx, link, deliveries)).count;
}

/** The same, and returns the ids that are new. Naming them costs a fifth more. */
export async function enterUnknown(
  tx: Transaction,
  link: string,
  deliveries: readonly Delivery[],
): Promise<Set<string>> {
  const rows = await tx<{ id: string }[]>`
    ${entry(tx, link, deliveries)} returning event_id as id`;
  return new Set(rows.map(({ id }) => id));
}

function entry(tx: Transaction, link: string, deliveries: readonly Delivery[]) {
  void holdFence(tx, link).catch(() => {}); // the next statement fails too, and is awaited
  const sorted = [...deliveries].sort((a, b) => (a.eventId < b.eventId ? -1 : 1));
  const copied = sorted.filter((d) => d.isCopied).map((d) => d.eventId);
  return tx`
    insert into relink.inbox
      (event_id, link, lane, epoch, key, version, event_version, hash, outcome, copied)
    select d.event_id, ${link}, d.lane, d.epoch, d.key, d.version, d.event_version, d.hash,
      'applied', d.event_id = any(${copied}::uuid[])
    from unnest(
      ${sorted.map((d) => d.eventId)}::uuid[], ${sorted.map((d) => d.lane)}::int2[],
      ${sorted.map((d) => String(d.epoch))}::int8[], ${sorted.map((d) => d.key)}::text[],
      ${sorted.map((d) => String(d.version))}::int8[], ${sorted.map((d) => d.hashedVersion)}::int2[],
      ${sorted.map((d) => String(d.hash))}::int8[]
    ) d(event_id, lane, epoch, key, version, event_version, hash)
    where not exists (select from relink.fences f
      where f.link = ${link} and f.lane = d.lane and f.min_epoch > d.epoch and d.epoch > 0)
    on conflict (event_id) do nothing`;
}

/** What the inbox knows of these messages. */
export async function readInbox(
  sql: Database | Transaction,
  eventIds: readonly string[],
): Promise<Map<string, InboxRow>> {
  if (eventIds.length === 0) return new Map();
  const rows = await sql<InboxRow[]>`
    select event_id as "eventId", hash, event_version as "hashedVersion", outcome, epoch
    from relink.inbox where event_id = any(${eventIds as string[]}::uuid[])`;
  return new Map(rows.map((row) => [row.eventId, row]));
}

/** Changes the outcome of messages that are in the inbox. */
export async function setOutcome(
  tx: Transaction,
  eventIds: readonly string[],
  outcome: Receipt['outcome'],
): Promise<void> {
  if (eventIds.length === 0) return;
  await tx`update relink.inbox set outcome = ${outcome}
    where event_id = any(${eventIds as string[]}::uuid[])`;
}
