/**
 * Applies messages that are new to the inbox, in the transaction that entered them: formal ones
 * become the newest state of their keys; functional ones go to the handler one by one, on ordered
 * links when it is their turn.
 */
import { forEachAtOnce } from '../../runtime/atOnce.ts';
import type { Transaction } from '../../runtime/postgres.ts';
import { effectOf, saveEffect } from '../copies/effects.ts';
import type { LinkDefinition } from '../link.ts';
import { writtenIn } from '../outbox/written.ts';
import type { Receipt } from '../wire/receipt.ts';
import { bury } from './deadLetters.ts';
import { setOutcome } from './deduplicate.ts';
import type { Delivery } from './delivery.ts';
import { type ApplyChanges, type ApplyEvent, type Handler, withinLimit } from './handler.ts';
import { describePassed, lockPositions, park, savePositions, takeTurns } from './ordered.ts';

/** Enough for one round trip to serve many, and few enough for handlers that ask other services. */
const KEYS_AT_ONCE = 64;

export interface Applying {
  readonly link: LinkDefinition;
  readonly handler: Handler;
  /** A handler that takes longer is abandoned. */
  readonly limitMs: number;
  /** When a batch is given up because it takes too long together. */
  readonly untilMs?: number;
}

/** Nothing of a batch is applied, because it takes too long together; so many were done in time. */
export class BatchTooLong extends Error {
  readonly done: number;
  constructor(done: number) {
    super(`a batch takes too long: ${done} messages were done in time`);
    this.done = done;
  }
}

export interface Settled {
  readonly outcome: Receipt['outcome'];
  /** Why it is dead. */
  readonly detail?: string;
}

/** By event id; a message that is not among them was applied. */
export type Outcomes = ReadonlyMap<string, Settled>;

export async function applyNew(
  tx: Transaction,
  applying: Applying,
  news: readonly Delivery[],
): Promise<Outcomes> {
  if (news.length === 0) return new Map();
  const { handler, limitMs, link, untilMs = Number.POSITIVE_INFINITY } = applying;
  if (handler.kind === 'formal') return applyNewest(tx, limitMs, handler.apply, news);
  const { due, outcomes } = link.ordered
    ? await takeDue(tx, link.id, news)
    : { due: news, outcomes: new Map() };
  let done = 0;
  const applyInTurn = async (some: readonly Delivery[]) => {
    for (const delivery of some) {
      if (done > 0 && performance.now() > untilMs) throw new BatchTooLong(done);
      await applyOne(tx, applying, handler.apply, delivery);
      done += 1;
    }
  };
  // What a message with a copy writes is told apart by when it is written.
  const isPipelined = handler.independentKeys && !due.some(({ isCopied }) => isCopied);
  if (!isPipelined) await applyInTurn(due);
  else {
    const byKey = Map.groupBy(due, ({ key }) => key);
    await forEachAtOnce([...byKey.values()], KEYS_AT_ONCE, applyInTurn);
  }
  return outcomes;
}

async function applyNewest(
  tx: Transaction,
  limitMs: number,
  apply: ApplyChanges,
  news: readonly Delivery[],
): Promise<Outcomes> {
  const newest = newestPerKey(news);
  const applied = await withinLimit(limitMs, apply(tx, [...newest.values()]));
  const superseded = news.filter((d) => newest.get(d.key) !== d || !applied.has(d.key));
  const ids = superseded.map(({ eventId }) => eventId);
  await setOutcome(tx, ids, 'superseded');
  return new Map(ids.map((eventId) => [eventId, { outcome: 'superseded' }]));
}

/** Keeps what a message with a copy wrote to the outbox, to compare it with what its copy wrote. */
async function applyOne(
  tx: Transaction,
  { link, limitMs }: Applying,
  apply: ApplyEvent,
  delivery: Delivery,
): Promise<void> {
  const before = writtenIn(tx).length;
  const basis = await withinLimit(limitMs, apply(tx, delivery));
  if (!delivery.isCopied) return;
  const effect = effectOf(delivery.eventId, writtenIn(tx).slice(before), basis);
  await saveEffect(tx, link.id, delivery.eventId, effect);
}

/** Returns the messages whose turn it is; parks later ones, and buries those whose turn has passed. */
async function takeDue(tx: Transaction, link: string, news: readonly Delivery[]) {
  const keys = news.map((delivery) => delivery.key);
  const { now, later, past, positions } = takeTurns(news, await lockPositions(tx, link, keys));
  await savePositions(tx, link, positions);
  await park(tx, link, later);
  const ids = later.map((delivery) => delivery.eventId);
  await setOutcome(tx, ids, 'parked');
  const outcomes = new Map<string, Settled>(ids.map((id) => [id, { outcome: 'parked' }]));
  for (const delivery of past)
    outcomes.set(delivery.eventId, await buryPassed(tx, delivery, positions));
  return { due: now, outcomes };
}

/** It was never applied, and no later version says what it said: only a person can decide. */
async function buryPassed(
  tx: Transaction,
  delivery: Delivery,
  positions: ReadonlyMap<string, bigint>,
): Promise<Settled> {
  const detail = describePassed(delivery, positions.get(delivery.key)!);
  await setOutcome(tx, [delivery.eventId], 'dead');
  await bury(tx, delivery, { reason: 'VERSION_PASSED', detail, attempts: 1 });
  return { outcome: 'dead', detail };
}

/** Applies a parked message whose turn has come; it is `dead` when its turn has passed. */
export async function applyParked(
  tx: Transaction,
  applying: Applying,
  delivery: Delivery,
): Promise<Settled> {
  const { link, handler } = applying;
  const locked = await lockPositions(tx, link.id, [delivery.key]);
  const { now, positions } = takeTurns([delivery], locked);
  if (now.length === 0) return buryPassed(tx, delivery, positions);
  if (handler.kind === 'functional') await applyOne(tx, applying, handler.apply, delivery);
  await savePositions(tx, link.id, positions);
  await setOutcome(tx, [delivery.eventId], 'applied');
  return { outcome: 'applied' };
}

function newestPerKey(deliveries: readonly Delivery[]): Map<string, Delivery> {
  const newest = new Map<string, Delivery>();
  for (const delivery of deliveries) {
    const other = newest.get(delivery.key);
    if (!other || delivery.version > other.version) newest.set(delivery.key, delivery);
  }
  return newest;
}
