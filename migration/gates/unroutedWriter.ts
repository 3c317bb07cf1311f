/**
 * A writer that bypasses the producer's outbox: it publishes straight to the link's stream, or calls
 * the consumer's method. It follows no route, so the next move loses its messages.
 *
 * Two kinds of evidence:
 * - The consumer's inbox holds more messages of a lane and epoch than the producer closed, and more
 *   than what is still open explains. Every message of the producer is open before it is sent, and is
 *   closed in the epoch that the inbox has. Headers do not count: a forger can set them. Under traffic
 *   this is a lower bound, as each message on its way hides one; a single one is found at the latest
 *   when the certificate is made.
 * - A dead letter whose source is not the producer: what arrived was not even well formed.
 */

import type { DeadLetter, InboxLaneDigest } from '../../gen/relink/v1/participant_pb.ts';
import type { LaneDigest } from '../../gen/relink/v1/route_pb.ts';
import { followPages } from '../../rpc/paging.ts';
import { readClosed, readInbox } from '../leg/digests.ts';
import { type ParticipantClient, type Participants, REPEATABLE } from '../participants.ts';
import type { Measure, Reading, StepContext } from '../plan.ts';
import type { JsonObject } from '../run/record.ts';
import { seldom } from './seldom.ts';

/** Dead letters to inspect; more than a person redrives in a day. */
const DEAD_LETTERS = 500;
/** Sources and lanes that a message names. */
const NAMED = 5;
/** Counting reads the whole inbox, so the pause is this many times as long as the last count took. */
const REST_TIMES = 10;
const REST_MIN_MS = 1_000;
const MEMO = 'unrouted';

/** How long a count remains valid. */
export function restMsOf(tookMs: number): number {
  return Math.max(REST_MIN_MS, tookMs * REST_TIMES);
}

export interface Leg {
  readonly link: string;
  readonly producer: string;
  readonly consumer: string;
}

export interface Unrouted {
  /** Messages that the producer certainly did not send; messages on their way may hide some. */
  readonly count: number;
  /** The same, counting what was on its way as well. */
  readonly atMost: number;
  /** Where they are, possibly with what is on its way: `epoch 2 lane 7`. */
  readonly places: readonly string[];
  /** Dead letters of others than the producer. */
  readonly letters: readonly { readonly id: string; readonly source: string }[];
}

/** Compares both sides of a leg. @throws RpcCallError when one of them does not answer */
export async function findUnrouted(participants: Participants, leg: Leg): Promise<Unrouted> {
  const { link, producer, consumer } = leg;
  const [sender, receiver] = [participants.of(producer), participants.of(consumer)];
  const closedOf = () => readClosed(sender, { link, consumer });
  // In this order no message on its way is missed: it is open before it is in the inbox, and open or
  // closed after that.
  const before = await closedOf();
  const inbox = await readInbox(receiver, link);
  const { open } = await sender.getProgress({ link, consumer }, REPEATABLE);
  const places = excessOf(inbox, await closedOf());
  return {
    count: Math.max(0, sumOf(places) - Number(open)),
    atMost: sumOf(excessOf(inbox, before)),
    places: places.map(({ epoch, lane }) => `epoch ${epoch} lane ${lane}`),
    letters: strangersAmong(await someDead(receiver, link), producer),
  };
}

async function someDead(receiver: ParticipantClient, link: string) {
  const ask = async (afterId: string | undefined, limit: number) => {
    const { deadLetters, nextId } = await receiver.listDeadLetters(
      { link, afterId, limit },
      REPEATABLE,
    );
    return { entries: deadLetters, next: nextId || undefined };
  };
  return (await followPages(ask, DEAD_LETTERS)).entries;
}

interface Excess {
  readonly epoch: bigint;
  readonly lane: number;
  readonly count: number;
}

function excessOf(inbox: readonly InboxLaneDigest[], closed: readonly LaneDigest[]): Excess[] {
  const nameOf = ({ epoch, lane }: { epoch: bigint; lane: number }) => `${epoch}/${lane}`;
  const counts = new Map(closed.map((one) => [nameOf(one), Number(one.digest?.count ?? 0n)]));
  return inbox
    .map((one) => {
      const { epoch, lane, digest } = one;
      return { epoch, lane, count: Number(digest?.count ?? 0n) - (counts.get(nameOf(one)) ?? 0) };
    })
    .filter(({ count }) => count > 0);
}

function sumOf(places: readonly Excess[]): number {
  return places.reduce((sum, { count }) => sum + count, 0);
}

function strangersAmong(letters: readonly DeadLetter[], producer: string) {
  return letters
    .map(({ id, headers }) => ({ id, source: headers.source ?? '' }))
    .filter(({ source }) => source !== producer);
}

/**
 * How many are known after one more look. Traffic hides some at each look but never adds any, so the
 * count falls only when someone removed them.
 */
export function mergeLooks(known: number, { count, atMost }: Unrouted): number {
  return atMost < known ? count : Math.max(known, count);
}

/** The finding in words; empty when there is none. */
export function describeUnrouted({ producer, consumer }: Leg, found: Unrouted): string {
  const { count, places, letters } = found;
  const parts: string[] = [];
  if (count > 0) {
    const where =
      places.length > NAMED ? `${places.slice(0, NAMED).join(', ')}, …` : places.join(', ');
    const messages = count === 1 ? '1 message' : `${count} messages`;
    parts.push(`${messages} reached ${consumer} that ${producer} did not send (${where})`);
  }
  if (letters.length > 0) {
    const names = new Set(letters.map(({ source }) => source || 'an unnamed source'));
    const sources = [...names].slice(0, NAMED).join(', ');
    const dead = letters.length === 1 ? '1 dead letter is' : `${letters.length} dead letters are`;
    parts.push(`${dead} not from ${producer} but from ${sources}`);
  }
  return parts.join('; ');
}

interface Known {
  /** At most this many existed before the gate began. */
  readonly before: number;
  readonly lettersBefore: number;
  /** How many there are now. */
  readonly count: number;
}

/**
 * Nothing bypasses the outbox while the gate watches. Earlier messages stop the run when the
 * certificates are made. A person has to find the writer: neither route helps.
 */
export const noUnroutedWriter: Measure = {
  name: 'no unrouted writer',
  unanswered: 'inconclusive',
  read: seldom(readAll, restMsOf),
};

async function readAll(context: StepContext): Promise<Reading[]> {
  const { run, participants } = context;
  const readings: Reading[] = [];
  for (const consumer of run.consumers) {
    const leg = { link: run.link, producer: run.producer, consumer };
    const found = await findUnrouted(participants, leg);
    const { before, lettersBefore, count } = await learn(context, consumer, found);
    const isNew = count > before || found.letters.length > lettersBefore;
    readings.push({
      what: `written to ${consumer} around the outbox`,
      verdict: isNew ? 'wait' : 'pass',
      value: isNew ? describeUnrouted(leg, { ...found, count }) : '0',
      threshold: '0',
    });
  }
  return readings;
}

/**
 * The lowest look bounds how many there were before the gate, as messages on their way count too. Only
 * the first look goes into the journal; later ones are not worth a write per second.
 */
async function learn(context: StepContext, consumer: string, found: Unrouted): Promise<Known> {
  const legs = learntBy.get(context) ?? new Map<string, Known>();
  learntBy.set(context, legs);
  const memo = (context.checkpoint[MEMO] ?? {}) as unknown as Record<string, Known>;
  const known = legs.get(consumer) ?? memo[consumer];
  const { atMost, letters } = found;
  const learnt: Known = {
    before: Math.min(known?.before ?? atMost, atMost),
    lettersBefore: Math.min(known?.lettersBefore ?? letters.length, letters.length),
    count: mergeLooks(known?.count ?? 0, found),
  };
  legs.set(consumer, learnt);
  if (known) return learnt;
  const all: JsonObject = { ...(memo as unknown as JsonObject), [consumer]: { ...learnt } };
  await context.save({ ...context.checkpoint, [MEMO]: all });
  return learnt;
}

/** What each gate has learnt since this engine began to watch it. */
const learntBy = new WeakMap<StepContext, Map<string, Known>>();
