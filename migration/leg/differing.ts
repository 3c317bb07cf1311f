/**
 * Which messages make the digests of a leg differ. The producer of a functional link keeps what it closed
 * for a while; the owner's rows are what a formal link has instead, so of those nothing is named.
 */
import type { HistoryEntry } from '../../gen/relink/v1/participant_pb.ts';
import { RpcCallError } from '../../rpc/errors.ts';
import { type ParticipantClient, REPEATABLE } from '../participants.ts';
import { idsOf, unknownToConsumer, unknownToProducer } from './unknown.ts';

/** Ids of a page: the other side is asked for each. */
const PAGE = 1_000;
/** Enough to begin an investigation. */
const NAMED = 10;
/** Rows of the consumer that are read for one page of the producer. */
const SETTLED_AT_MOST = 50_000;
/** What was found by then is told. */
const PATIENCE_MS = 10_000;

export interface DifferingSides {
  readonly link: string;
  readonly consumer: string;
  readonly producerSide: ParticipantClient;
  readonly consumerSide: ParticipantClient;
}

/** Lanes whose digests differ, by epoch. */
export type DifferingLanes = ReadonlyMap<bigint, readonly number[]>;

/** A message that makes digests differ, and how: `closed and not settled`. */
export type Differing = Pick<HistoryEntry, 'eventId' | 'epoch' | 'lane'> & { readonly how: string };

/**
 * Some of them if there are many. Exact under traffic: what is settled is open or closed, and what is
 * closed was settled before.
 */
export async function findDiffering(
  sides: DifferingSides,
  where: DifferingLanes,
): Promise<Differing[]> {
  try {
    return await compareAll(sides, where);
  } catch (error) {
    // No history: a formal link, or a build of before.
    if (error instanceof RpcCallError && UNNAMED.includes(error.code)) return [];
    throw error;
  }
}

const UNNAMED: readonly string[] = ['UNIMPLEMENTED', 'NOT_FOUND', 'FAILED_PRECONDITION'];

async function compareAll(sides: DifferingSides, where: DifferingLanes): Promise<Differing[]> {
  const { link, consumer, producerSide, consumerSide } = sides;
  const lanes = [...new Set([...where.values()].flat())];
  if (lanes.length === 0) return [];
  const isWanted = ({ epoch, lane }: HistoryEntry) => where.get(epoch)?.includes(lane) ?? false;
  const untilMs = performance.now() + PATIENCE_MS;
  const named: Differing[] = [];
  const { keptSinceUnixMs: since } = await producerSide.findMessages(
    { link, consumer },
    REPEATABLE,
  );
  if (since === 0n) return [];
  for (let afterId = ''; named.length < NAMED && performance.now() < untilMs; ) {
    const request = { link, lanes, afterId, limit: PAGE };
    const page = await producerSide.listHistory({ ...request, consumer }, REPEATABLE);
    // Read after what was closed: it was settled before.
    const from = { ...request, sinceUnixMs: since };
    const settled = await readSettled(consumerSide, from, page.nextId);
    named.push(...(await compareClosed(sides, page.entries.filter(isWanted), settled)));
    const closed = new Set(idsOf(page.entries));
    const others = settled.filter((one) => isWanted(one) && !closed.has(one.eventId));
    const unsent = await unknownToProducer(producerSide, { link, consumer }, others.slice(0, PAGE));
    named.push(...unsent.flatMap((entry) => differing(entry, 'settled and not sent')));
    if (page.nextId === '') break;
    afterId = page.nextId;
  }
  return named.slice(0, NAMED);
}

/** In the order of ids, up to `lastId`; to the end if that is empty. */
async function readSettled(
  consumerSide: ParticipantClient,
  request: { link: string; lanes: number[]; afterId: string; limit: number; sinceUnixMs: bigint },
  lastId: string,
): Promise<HistoryEntry[]> {
  const all: HistoryEntry[] = [];
  for (let afterId = request.afterId; all.length < SETTLED_AT_MOST; ) {
    const { entries, nextId } = await consumerSide.listSettled({ ...request, afterId }, REPEATABLE);
    all.push(...entries.filter(({ eventId }) => lastId === '' || eventId <= lastId));
    if (nextId === '' || (lastId !== '' && nextId >= lastId)) break;
    afterId = nextId;
  }
  return all;
}

async function compareClosed(
  { link, consumerSide }: DifferingSides,
  closed: readonly HistoryEntry[],
  settled: readonly HistoryEntry[],
): Promise<Differing[]> {
  const there = new Map(settled.map((one) => [one.eventId, one]));
  // Settled before what was read began, or not at all.
  const others = closed.filter(({ eventId }) => !there.has(eventId));
  const lost = new Set(idsOf(await unknownToConsumer(consumerSide, link, others)));
  return closed.flatMap((entry) => {
    const settled = there.get(entry.eventId);
    if (settled) return differing(entry, describeDifference(entry, settled));
    return differing(entry, lost.has(entry.eventId) ? 'closed and not settled' : '');
  });
}

function describeDifference(closed: HistoryEntry, settled: HistoryEntry): string {
  if (closed.epoch !== settled.epoch) return `settled under epoch ${settled.epoch}, and closed`;
  const isSame = closed.hash === settled.hash && closed.hashedVersion === settled.hashedVersion;
  return isSame ? '' : 'settled with other contents';
}

/** None without a difference. */
function differing({ eventId, epoch, lane }: HistoryEntry, how: string): Differing[] {
  return how === '' ? [] : [{ eventId, epoch, lane, how }];
}

/** `ID closed and not settled, epoch 3 lane 4` */
export function describeDiffering({ eventId, how, epoch, lane }: Differing): string {
  return `${eventId} ${how}, epoch ${epoch} lane ${lane}`;
}
