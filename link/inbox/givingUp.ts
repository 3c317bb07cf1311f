/**
 * Gives a message up: its dead letter and its inbox row in one transaction, so that it is never
 * both dead and applied.
 */
import type { Database, Transaction } from '../../runtime/postgres.ts';
import type { Receipt } from '../wire/receipt.ts';
import { bury, enterDead, type WhyDead } from './deadLetters.ts';
import { readInbox, setOutcome } from './deduplicate.ts';
import { type Arrival, type Delivery, isUuid } from './delivery.ts';
import { readFences } from './fence.ts';
import { removeParked } from './ordered.ts';
import { fenced, settle, settledBefore } from './receipts.ts';

/** Gives up a message that is not in the inbox, behind the same fence as effects. */
export async function giveUp(sql: Database, arrival: Arrival, why: WhyDead): Promise<Receipt> {
  const { detail } = why;
  const isKeyed = isUuid(arrival.eventId);
  await sql.begin(async (tx) => {
    const isNew = !isKeyed || (await enterDead(tx, arrival));
    if (isNew) await bury(tx, arrival, why);
  });
  if (!isKeyed) return { ...settle(arrival, 'dead'), detail };
  return { ...(await receiptFromInbox(sql, arrival)), detail };
}

/**
 * Gives up a parked message that was taken in this transaction: its inbox row only changes state.
 */
export async function giveUpTaken(
  tx: Transaction,
  arrival: Arrival,
  why: WhyDead,
): Promise<Receipt> {
  await setOutcome(tx, [arrival.eventId], 'dead');
  await bury(tx, arrival, why);
  return { ...settle(arrival, 'dead'), detail: why.detail };
}

/** Gives up a parked message, unless another replica settled it since the failed attempt. */
export async function giveUpParked(
  sql: Database,
  delivery: Delivery,
  why: WhyDead,
): Promise<Receipt> {
  const receipt = await sql.begin(async (tx) =>
    (await removeParked(tx, delivery.eventId)) ? giveUpTaken(tx, delivery, why) : undefined,
  );
  return receipt ?? { ...(await receiptFromInbox(sql, delivery)), detail: why.detail };
}

/** The receipt of a message that is in the inbox unless the fence refused it. */
async function receiptFromInbox(sql: Database, arrival: Arrival): Promise<Receipt> {
  const row = (await readInbox(sql, [arrival.eventId])).get(arrival.eventId);
  return row ? settledBefore(row) : fenced(arrival, await readFences(sql, arrival.link));
}

/** Counts a failed attempt in a transaction of its own; returns how many there were. */
export async function countAttempt(
  sql: Database,
  link: string,
  eventId: string,
  detail: string,
): Promise<number> {
  const [row] = await sql<{ count: number }[]>`
    insert into relink.attempts (event_id, link, count, detail) values (${eventId}, ${link}, 1, ${detail})
    on conflict (event_id) do update
      set count = attempts.count + 1, detail = excluded.detail, last_at = now()
    returning count`;
  return row!.count;
}
