/**
 * Compares the entity's rows on both sides of a formal leg under live traffic. The sides are never read
 * at the same instant, so a row that differs is only a suspect: it is cleared once the replica holds
 * that version, or a newer one that the owner has too. What is still suspected in the end differs.
 */
import type { EntityRow } from '../../gen/relink/v1/participant_pb.ts';
import { followPages } from '../../rpc/paging.ts';
import { pause } from '../../runtime/wake.ts';
import { type ParticipantClient, REPEATABLE } from '../participants.ts';
import type { ClosingContext } from '../plan.ts';

/**
 * Buckets of keys: 10,000 rows make 40 a bucket, so finding one row that differs is cheap.
 */
export const BUCKETS = 256;
/** A page of rows; each is a read through the whole table. */
const ROWS_AT_ONCE = 10_000;
/** So many reads cost less than the rows that fewer would bring besides. */
const FEW_READS = 8;
const POLL_MS = 200;

/** In which terms rows are compared. */
export interface Terms {
  /** The contract version; builds that know none compare in v0. */
  readonly version: number;
  /** A row of the replica differs unless it is stored as that version has it. */
  readonly asStored?: boolean;
}

export interface ParitySides extends Terms {
  readonly link: string;
  readonly producer: ParticipantClient;
  readonly consumer: ParticipantClient;
}

/** Both sides of a leg of the run, in the version that it comes from unless another is named. */
export function sidesOf(
  { run, participants }: ClosingContext,
  consumer: string,
  terms: Terms = { version: run.from.version },
): ParitySides {
  return {
    link: run.link,
    producer: participants.of(run.producer),
    consumer: participants.of(consumer),
    ...terms,
  };
}

/** Keys that are read together: those whose bucket, of `of` buckets, is the `nth`. */
export interface Part {
  readonly of: number;
  readonly nth: number;
}

/** A row of the owner that the replica does not show, or is ahead of. */
export interface Suspect {
  readonly key: string;
  readonly part: Part;
  /** The owner's row when it was first suspected; 0 when only the replica has the key. */
  readonly version: bigint;
  readonly hash: bigint;
}

/** Buckets whose digests are not equal. */
async function differingBuckets({ producer, consumer, ...sides }: ParitySides) {
  const { link, version, asStored = false } = sides;
  const request = { link, buckets: BUCKETS, version };
  const [owner, replica] = await Promise.all([
    producer.getEntityDigest(request, REPEATABLE),
    consumer.getEntityDigest({ ...request, asStored }, REPEATABLE),
  ]);
  const text = (side: typeof owner) =>
    new Map(
      side.buckets.map(
        ({ bucket, digest }) => [bucket, `${digest?.count}/${digest?.sum}`] as const,
      ),
    );
  const [ours, theirs] = [text(owner), text(replica)];
  const all = new Set([...ours.keys(), ...theirs.keys()]);
  return {
    rows: owner.buckets.reduce((sum, { digest }) => sum + Number(digest?.count ?? 0n), 0),
    buckets: [...all].filter((one) => ours.get(one) !== theirs.get(one)),
  };
}

/**
 * Where to read what differs, in as few reads as there can be: an empty replica differs in every
 * bucket, and hundreds of reads through a million rows take many minutes.
 */
export async function differingParts(sides: ParitySides): Promise<{ rows: number; parts: Part[] }> {
  const { rows, buckets } = await differingBuckets(sides);
  return { rows, parts: partsOf(buckets, rows) };
}

/** Buckets are read together until a page is full, and apart where that costs few more reads. */
export function partsOf(buckets: readonly number[], rows: number): Part[] {
  const nths = (of: number) => new Set(buckets.map((bucket) => bucket % of));
  const isTooMany = (of: number) => rows / of > ROWS_AT_ONCE;
  const isFree = (of: number) => nths(of).size <= Math.max(FEW_READS, nths(of / 2).size);
  let of = 1;
  while (of < BUCKETS && (isTooMany(of) || isFree(2 * of))) of *= 2;
  return [...nths(of)].sort((a, b) => a - b).map((nth) => ({ of, nth }));
}

/** Rows of a part that the replica lacks, holds with other content, or has in excess. */
export async function comparePart(sides: ParitySides, part: Part): Promise<Suspect[]> {
  const { owner, replica } = await readPart(sides, part);
  const suspects: Suspect[] = [];
  for (const { key, version, hash } of owner.values()) {
    const wanted = { key, part, version, hash };
    if (!isExplained(wanted, wanted, replica.get(key))) suspects.push(wanted);
  }
  for (const { key, hash } of replica.values())
    if (!owner.has(key)) suspects.push({ key, part, version: 0n, hash });
  return suspects;
}

async function readPart({ producer, consumer, ...sides }: ParitySides, { of, nth }: Part) {
  const { link, version, asStored = false } = sides;
  const request = { link, buckets: of, bucket: nth, version };
  // The replica first: anything that only the owner has is then newer, never older.
  const replica = await listBucket(consumer, { ...request, asStored });
  const owner = await listBucket(producer, request);
  return { owner, replica };
}

/** All rows of a bucket on one side, by key. */
async function listBucket(
  side: ParticipantClient,
  bucket: { link: string; buckets: number; bucket: number; version: number; asStored?: boolean },
): Promise<ReadonlyMap<string, EntityRow>> {
  const { entries } = await followPages(async (afterKey: string | undefined) => {
    const { rows, nextKey } = await side.listEntityBucket({ ...bucket, afterKey }, REPEATABLE);
    return { entries: rows, next: nextKey || undefined };
  });
  return new Map(entries.map((row) => [row.key, row]));
}

type Shown = Pick<EntityRow, 'version' | 'hash'>;

/** Whether rows that were just read clear a suspect. */
function isExplained(suspect: Suspect, owner?: Shown, replica?: Shown): boolean {
  if (!owner && !replica) return true;
  if (suspect.version === 0n) return owner !== undefined;
  if (owner && replica && isLost(owner, replica)) return false;
  return isShown(suspect, replica);
}

/** The owner no longer has what it sent to the replica: it lost commits, for example in a fail-over. */
function isLost(owner: Shown, replica: Shown): boolean {
  const isSame = owner.version === replica.version && owner.hash === replica.hash;
  return replica.version >= owner.version && !isSame;
}

/** Whether the replica's row shows this version of the owner's row, or a newer one. */
function isShown(wanted: Shown, row: Shown | undefined): boolean {
  if (!row) return false;
  return (
    row.version > wanted.version || (row.version === wanted.version && row.hash === wanted.hash)
  );
}

/** Compares suspects again; returns those that are still unexplained. */
export async function stillSuspected(
  sides: ParitySides,
  suspects: readonly Suspect[],
): Promise<Suspect[]> {
  const left: Suspect[] = [];
  for (const [part, ofPart] of Map.groupBy(suspects, (one) => one.part)) {
    const { owner, replica } = await readPart(sides, part);
    for (const suspect of ofPart) {
      const { key } = suspect;
      if (!isExplained(suspect, owner.get(key), replica.get(key))) left.push(suspect);
    }
  }
  return left;
}

export interface ParityResult {
  readonly rows: number;
  readonly differing: readonly Suspect[];
}

/** Compares until nothing is suspected any more, for at most `patienceMs`. */
export async function compareRows(
  sides: ParitySides,
  patienceMs: number,
  signal?: AbortSignal,
): Promise<ParityResult> {
  const untilMs = performance.now() + patienceMs;
  const { rows, parts } = await differingParts(sides);
  let suspects: Suspect[] = [];
  for (const part of parts) suspects.push(...(await comparePart(sides, part)));
  while (suspects.length > 0 && performance.now() < untilMs) {
    if (!(await pause(POLL_MS, signal))) break;
    suspects = await stillSuspected(sides, suspects);
  }
  return { rows, differing: suspects };
}
