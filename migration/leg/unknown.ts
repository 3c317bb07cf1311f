/**
 * Messages that one side of a leg has and the other does not know. Both are exact under traffic when the
 * entries are read first: a message is closed after the consumer committed it, and what is settled is
 * open or closed at the producer.
 */
import type { HistoryEntry } from '../../gen/relink/v1/participant_pb.ts';
import { type ParticipantClient, REPEATABLE } from '../participants.ts';

/** Those without a receipt at the consumer. At most 1,000 entries: each has a receipt in the answer. */
export async function unknownToConsumer(
  consumerSide: ParticipantClient,
  link: string,
  entries: readonly HistoryEntry[],
): Promise<HistoryEntry[]> {
  if (entries.length === 0) return [];
  const { receipts } = await consumerSide.getReceipts(
    { link, eventIds: idsOf(entries) },
    REPEATABLE,
  );
  return without(entries, new Set(receipts.map(({ eventId }) => eventId)));
}

/** Those that the producer has neither open nor closed. */
export async function unknownToProducer(
  producerSide: ParticipantClient,
  leg: { readonly link: string; readonly consumer: string },
  entries: readonly HistoryEntry[],
): Promise<HistoryEntry[]> {
  if (entries.length === 0) return [];
  const request = { ...leg, eventIds: idsOf(entries) };
  const { known } = await producerSide.findMessages(request, REPEATABLE);
  return without(entries, new Set(known));
}

export function idsOf(entries: readonly HistoryEntry[]): string[] {
  return entries.map(({ eventId }) => eventId);
}

function without(entries: readonly HistoryEntry[], known: ReadonlySet<string>): HistoryEntry[] {
  return entries.filter(({ eventId }) => !known.has(eventId));
}
