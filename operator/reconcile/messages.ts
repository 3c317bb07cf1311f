/** Messages that one side of a leg knows and the other does not: one of their databases went back in time. */
import type { HistoryEntry } from '../../gen/relink/v1/participant_pb.ts';
import { Outcome } from '../../gen/relink/v1/receipt_pb.ts';
import { idsOf, unknownToConsumer, unknownToProducer } from '../../migration/leg/unknown.ts';
import { REPEATABLE } from '../../migration/participants.ts';
import { type ComparedPage, type Difference, type Reconciling, sidesOf } from './page.ts';

/** Ids of a page: a receipt of each fits into an answer. */
const PAGE = 1_000;

/** Closed at the producer, unknown at the consumer: it is sent again, and the inbox makes it happen once. */
export async function compareClosed(
  of: Reconciling,
  lanes: readonly number[],
  afterId: string,
): Promise<ComparedPage> {
  const { leg, producer, consumer } = sidesOf(of);
  const page = { ...leg, lanes: [...lanes], afterId, limit: PAGE, sinceUnixMs: BigInt(of.sinceMs) };
  const { entries, nextId } = await producer.listHistory(page, REPEATABLE);
  const lost = await unknownToConsumer(consumer, leg.link, entries);
  const opened = new Set(of.isRepairing ? await sendAgain(of, lost) : []);
  const differences = lost.map((entry) => {
    const difference = { ...describe(of, entry), kind: 'lost' };
    return opened.has(entry.eventId)
      ? { ...difference, done: 'sent again' }
      : { ...difference, proposal: 'send it again (--repair)' };
  });
  return { differences, compared: entries.length, next: nextId || undefined };
}

async function sendAgain(of: Reconciling, lost: readonly HistoryEntry[]): Promise<string[]> {
  if (lost.length === 0) return [];
  const { leg, producer } = sidesOf(of);
  const eventIds = idsOf(lost);
  const request = { ...leg, eventIds, actor: of.actor };
  // Repeated after a lost answer it opens nothing: what is not in the history is open.
  await producer.resendMessages(request, REPEATABLE);
  const { known } = await producer.findMessages({ ...leg, eventIds }, REPEATABLE);
  return known;
}

/** Settled at the consumer, unknown at the producer: its caller was answered, and what it asked for is gone. */
export async function compareSettled(
  of: Reconciling,
  lanes: readonly number[],
  afterId: string,
): Promise<ComparedPage> {
  const { leg, producer, consumer } = sidesOf(of);
  const { keptSinceUnixMs } = await producer.findMessages(leg, REPEATABLE);
  // What was settled before that may have been closed and forgotten: nothing can be said of it.
  if (keptSinceUnixMs === 0n) return { differences: [], compared: 0 };
  const since = BigInt(of.sinceMs) > keptSinceUnixMs ? BigInt(of.sinceMs) : keptSinceUnixMs;
  const { link } = leg;
  const page = { link, lanes: [...lanes], afterId, limit: PAGE, sinceUnixMs: since };
  const { entries, nextId } = await consumer.listSettled(page, REPEATABLE);
  const unknown = await unknownToProducer(producer, leg, entries);
  const differences = unknown.map((entry) => ({
    ...describe(of, entry),
    kind: 'unknown',
    outcome: entry.outcome,
    proposal: proposeUndoing(of, entry),
  }));
  return { differences, compared: entries.length, next: nextId || undefined };
}

function proposeUndoing({ link, consumer }: Reconciling, { outcome }: HistoryEntry): string {
  const { id, producer } = link.producer;
  if (outcome === Outcome.DEAD)
    return `it had no effect: relink dead-letters list --link ${id} has it; discard it, or do it again at ${producer}`;
  if (outcome === Outcome.PARKED)
    return `it waits at ${consumer} for an earlier one of its key; a person decides at ${producer}`;
  return `its effect stands at ${consumer} and its cause is gone at ${producer}: a person does it again there, or undoes it here`;
}

function describe({ link, consumer }: Reconciling, entry: HistoryEntry): Difference {
  const { eventId, event, key, version, epoch, lane } = entry;
  return { link: link.producer.id, consumer, eventId, event, key, version, epoch, lane };
}
