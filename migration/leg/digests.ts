/** What both sides of a leg say of its epochs, over all pages of their answers. */
import type { InboxLaneDigest } from '../../gen/relink/v1/participant_pb.ts';
import type { LaneDigest } from '../../gen/relink/v1/route_pb.ts';
import { followPages } from '../../rpc/paging.ts';
import { type ParticipantClient, REPEATABLE } from '../participants.ts';

/** Of what receipts closed, per lane and epoch. */
export async function readClosed(
  producer: ParticipantClient,
  leg: { readonly link: string; readonly consumer: string },
): Promise<readonly LaneDigest[]> {
  const { entries } = await followPages(async (afterEpoch: bigint | undefined) => {
    const { lanes, nextEpoch } = await producer.getClosed({ ...leg, afterEpoch }, REPEATABLE);
    return { entries: lanes, next: nextEpoch || undefined };
  });
  return entries;
}

/** Of what the consumer settled, per lane and epoch. */
export async function readInbox(
  consumer: ParticipantClient,
  link: string,
): Promise<readonly InboxLaneDigest[]> {
  const { entries } = await followPages(async (afterEpoch: bigint | undefined) => {
    const { lanes, nextEpoch } = await consumer.getInboxDigest({ link, afterEpoch }, REPEATABLE);
    return { entries: lanes, next: nextEpoch || undefined };
  });
  return entries;
}
