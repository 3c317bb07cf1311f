/**
 * Whether both sides of a leg still know what they once told each other, from digests alone. Reading
 * in the right order makes two proofs of them, under any traffic:
 *
 * - what is closed was settled before, so a consumer that has less than was closed *before* lost it
 * - what is settled is open or closed, so a producer that has less than was settled *before* lost it
 */
import { isLaneEqual } from '../certificate.ts';
import type { DescribedLink, Participants } from '../participants.ts';
import { REPEATABLE } from '../participants.ts';
import { readClosed, readInbox } from './digests.ts';
import { compareLanes } from './drain.ts';

export interface BalanceOptions {
  readonly participants: Participants;
  readonly link: DescribedLink;
  readonly consumer: string;
}

export interface Balance {
  /** Messages, at least, that the producer closed and the consumer does not know. */
  readonly missing: number;
  /** Messages, at least, that the consumer settled and the producer does not know. */
  readonly unknown: number;
  /** Lanes with an epoch whose digests differ; under traffic most of them do at any moment. */
  readonly unequal: readonly number[];
}

export async function readBalance({
  participants,
  link,
  consumer,
}: BalanceOptions): Promise<Balance> {
  const { id, producer } = link.producer;
  const leg = { link: id, consumer };
  const owner = participants.of(producer);
  const closedBefore = await readClosed(owner, leg);
  const settled = (await readInbox(participants.of(consumer), id)).filter(isRouted);
  const { open } = await owner.getProgress(leg, REPEATABLE);
  const closedAfter = await readClosed(owner, leg);
  const pairs = [...new Set([...closedAfter, ...settled].map(({ epoch }) => epoch))].flatMap(
    (epoch) => {
      const of = (one: { epoch: bigint }) => one.epoch === epoch;
      const lanes = compareLanes(closedAfter.filter(of), settled.filter(of));
      return lanes.map((lane) => ({ ...lane, before: countOf(closedBefore, epoch, lane.lane) }));
    },
  );
  const excess = sum(pairs.map(({ inbox, closed }) => Math.max(0, inbox.count - closed.count)));
  return {
    missing: sum(pairs.map(({ inbox, before }) => Math.max(0, before - inbox.count))),
    unknown: Math.max(0, excess - Number(open)),
    unequal: [...new Set(pairs.filter((one) => !isLaneEqual(one)).map(({ lane }) => lane))],
  };
}

/** Epoch 0 is of no route: no producer counts it. */
function isRouted({ epoch }: { epoch: bigint }): boolean {
  return epoch > 0n;
}

type Digests = Awaited<ReturnType<typeof readClosed>>;

function countOf(closed: Digests, epoch: bigint, lane: number): number {
  const digest = closed.find((one) => one.epoch === epoch && one.lane === lane)?.digest;
  return Number(digest?.count ?? 0n);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0);
}
