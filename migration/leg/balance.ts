/**
 * Whether both sides of a leg still know what they once told each other, from digests alone. Reading
 * in the right order makes two proofs of them, under any traffic:
 *
 * - what is closed was settled before, so a consumer that has less than was closed *before* lost it
 * - what is settled is open or closed, so a producer that has less than was settled *before* forgot
 *   it, or never had it (a writer around its outbox)
 */
import { isLaneEqual } from '../certificate.ts';
import type { Leg } from '../gates/unroutedWriter.ts';
import { type Participants, REPEATABLE } from '../participants.ts';
import { readClosed, readInbox } from './digests.ts';
import { compareLanes } from './drain.ts';

export interface Balance {
  /** Messages, at least, that the producer closed and the consumer does not know. */
  readonly missing: number;
  /** Messages, at least, that the consumer settled and the producer does not know. */
  readonly unknown: number;
  /** Lanes with an epoch whose digests differ; under traffic most of them do at any moment. */
  readonly unequal: readonly number[];
}

/** @throws RpcCallError when one side does not answer */
export async function readBalance(participants: Participants, leg: Leg): Promise<Balance> {
  const { link, consumer } = leg;
  const producer = participants.of(leg.producer);
  const before = await readClosed(producer, { link, consumer });
  const inbox = await readInbox(participants.of(consumer), link);
  const { open } = await producer.getProgress({ link, consumer }, REPEATABLE);
  const after = await readClosed(producer, { link, consumer });
  const lanes = pairUp(before, inbox, after);
  const excess = sum(lanes.map(({ closed, settled }) => settled.count - closed.count));
  return {
    missing: sum(
      lanes.map(({ closedBefore, settled, parked }) => closedBefore - (settled.count - parked)),
    ),
    unknown: Math.max(0, excess - Number(open)),
    unequal: [...new Set(lanes.filter(({ isEqual }) => !isEqual).map(({ lane }) => lane))],
  };
}

type Closed = Awaited<ReturnType<typeof readClosed>>;

/** Every lane of every epoch; epoch 0 is of no route, and no producer counts it. */
function pairUp(before: Closed, inbox: Awaited<ReturnType<typeof readInbox>>, after: Closed) {
  const epochs = new Set([...after, ...inbox].map(({ epoch }) => epoch).filter((one) => one > 0n));
  return [...epochs].flatMap((epoch) => {
    const of = (one: { epoch: bigint }) => one.epoch === epoch;
    const closedBefore = new Map(before.filter(of).map((one) => [one.lane, one.digest?.count]));
    return compareLanes(after.filter(of), inbox.filter(of)).map((one) => ({
      ...{ lane: one.lane, closed: one.closed, settled: one.inbox, isEqual: isLaneEqual(one) },
      // Not settled yet, so not closed.
      parked: one.outcomes.parked,
      closedBefore: Number(closedBefore.get(one.lane) ?? 0n),
    }));
  });
}

/** Of what is above zero: less elsewhere makes up for nothing. */
function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + Math.max(0, one), 0);
}
