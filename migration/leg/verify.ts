/**
 * Compares both sides of a leg as they are now, under traffic: the entity's rows, the messages of
 * every epoch that is kept, open messages and dead letters.
 */
import type { InboxLaneDigest } from '../../gen/relink/v1/participant_pb.ts';
import { LinkKind, Reading as WireReading } from '../../gen/relink/v1/participant_pb.ts';
import type { LaneDigest } from '../../gen/relink/v1/route_pb.ts';
import { pause } from '../../runtime/wake.ts';
import { type ClosedLane, isLaneEqual } from '../certificate.ts';
import {
  type DescribedLink,
  type Participants,
  REPEATABLE,
  transportFromWire,
} from '../participants.ts';
import { describeDiffering, findDiffering } from './differing.ts';
import { readClosed, readInbox } from './digests.ts';
import { compareLanes } from './drain.ts';
import { compareRows, type ParitySides } from './parity.ts';

/** Rows and messages on their way have this long to arrive before they count as missing. */
const PATIENCE_MS = 10_000;
const POLL_MS = 100;
/** An open message older than this is stuck, not on its way. */
const OVERDUE_MS = 30_000;
const EXAMPLES = 10;
const EPOCHS_SHOWN = 100;

export interface Finding {
  readonly what: string;
  readonly isEqual: boolean;
  readonly producer: string;
  readonly consumer: string;
  readonly examples: readonly string[];
}

export interface VerifiedLeg {
  readonly consumer: string;
  readonly findings: readonly Finding[];
}

export interface VerifyOptions {
  readonly participants: Participants;
  readonly link: DescribedLink;
  readonly consumer: string;
  readonly signal?: AbortSignal;
}

export async function verifyLeg(options: VerifyOptions): Promise<VerifiedLeg> {
  const findings: Finding[] = [];
  if (options.link.producer.kind === LinkKind.FORMAL) findings.push(await verifyRows(options));
  findings.push(...(await verifyMessages(options)));
  findings.push(await verifyOpen(options), await verifyDead(options));
  return { consumer: options.consumer, findings };
}

/** Whether the consumer asks the owner for every value; its replica, if any, is not fed then. */
async function asksOwner({ participants, link, consumer }: VerifyOptions): Promise<boolean> {
  const { id, transports } = link.producer;
  if (!transports.some((one) => transportFromWire(one) === 'pull')) return false;
  const request = { link: id, sinceUnixMs: 0n };
  const { lanes } = await participants.of(consumer).getReadings(request, REPEATABLE);
  return lanes.length > 0 && lanes.every(({ reading }) => reading === WireReading.OWNER);
}

/** Both sides of a formal leg, to compare rows; undefined where no replica is read. */
export async function rowSides(options: VerifyOptions): Promise<ParitySides | undefined> {
  const { participants, link, consumer } = options;
  if (await asksOwner(options)) return undefined;
  return {
    link: link.producer.id,
    producer: participants.of(link.producer.producer),
    consumer: participants.of(consumer),
    version: await newestVersion(options),
  };
}

async function verifyRows(options: VerifyOptions): Promise<Finding> {
  const sides = await rowSides(options);
  if (!sides)
    return {
      what: 'rows',
      isEqual: true,
      producer: 'asked for each value',
      consumer: 'reads no replica',
      examples: [],
    };
  const { rows, differing } = await compareRows(sides, PATIENCE_MS, options.signal);
  const keys = differing.slice(0, EXAMPLES).map(({ key }) => key);
  return {
    what: 'rows',
    isEqual: differing.length === 0,
    producer: `${rows} rows`,
    consumer: differing.length === 0 ? 'all held' : `${differing.length} differ`,
    examples: keys,
  };
}

/** The newest that any lane of the leg carries. */
async function newestVersion({ participants, link, consumer }: VerifyOptions): Promise<number> {
  const { id, producer } = link.producer;
  const { lanes } = await participants.of(producer).getRoutes({ link: id, consumer }, REPEATABLE);
  return Math.max(0, ...lanes.flatMap((lane) => [lane.version, lane.adoptedVersion]));
}

/** By lane. */
type Epoch = ReadonlyMap<number, ClosedLane>;

/**
 * A lane of an epoch in use is equal at some moments, not always: the inbox runs ahead of what is
 * closed. Each lane is read until it was equal once; one that never was differs.
 */
async function verifyMessages(options: VerifyOptions): Promise<Finding[]> {
  const untilMs = performance.now() + PATIENCE_MS;
  const epochs = new Map<bigint, Map<number, ClosedLane>>();
  let elsewhere: Finding[] = [];
  for (;;) {
    const digests = await readDigests(options);
    const [closed, inbox] = [digests.closed, digests.inbox.filter(isRouted)];
    elsewhere = describeElsewhere(digests.inbox);
    const isSettled = mergeEpochs(epochs, closed, inbox);
    if (isSettled || performance.now() > untilMs) break;
    if (!(await pause(POLL_MS, options.signal))) break;
  }
  const ascending = [...epochs].sort(([a], [b]) => (a < b ? -1 : 1));
  return [...elsewhere, ...describeEpochs(ascending), ...(await nameMessages(options, ascending))];
}

/** Which messages make the digests differ, as far as both sides still know. */
async function nameMessages(
  { participants, link, consumer }: VerifyOptions,
  epochs: readonly (readonly [bigint, Epoch])[],
): Promise<Finding[]> {
  const { id, producer } = link.producer;
  const where = epochs.flatMap(([epoch, all]): [bigint, number[]][] => {
    const lanes = [...all.values()].filter((one) => !isLaneEqual(one)).map(({ lane }) => lane);
    return lanes.length > 0 ? [[epoch, lanes]] : [];
  });
  if (where.length === 0) return [];
  const [producerSide, consumerSide] = [participants.of(producer), participants.of(consumer)];
  const sides = { link: id, consumer, producerSide, consumerSide };
  const examples = (await findDiffering(sides, new Map(where))).map(describeDiffering);
  if (examples.length === 0) return [];
  const what = 'messages that differ';
  return [{ what, isEqual: false, producer: '', consumer: '', examples }];
}

/** Epoch 0 is of no route: flat events of producers elsewhere, and dead letters without an epoch. */
function isRouted({ epoch }: Pick<InboxLaneDigest, 'epoch'>): boolean {
  return epoch > 0n;
}

/** What producers elsewhere sent, if anything: no other side counts it, so nothing can differ. */
export function describeElsewhere(
  inbox: readonly Pick<InboxLaneDigest, 'epoch' | 'digest'>[],
): Finding[] {
  const digests = inbox.filter((one) => !isRouted(one));
  const count = digests.reduce((sum, { digest }) => sum + Number(digest?.count ?? 0n), 0);
  if (count === 0) return [];
  const sides = { producer: 'sent elsewhere', consumer: `${count} settled` };
  return [{ what: 'messages of no route', isEqual: true, ...sides, examples: [] }];
}

/** The newest one by one, the others together: an answer must not grow with the link's age. */
export function describeEpochs(ascending: readonly (readonly [bigint, Epoch])[]): Finding[] {
  const older = ascending.slice(0, -EPOCHS_SHOWN);
  const newest = ascending.slice(-EPOCHS_SHOWN);
  const findings = newest.map((one) => describeMessages(`messages of epoch ${one[0]}`, [one]));
  if (older.length === 0) return findings;
  return [describeMessages(`messages of ${older.length} older epochs`, older), ...findings];
}

async function readDigests({ participants, link, consumer }: VerifyOptions) {
  const { id, producer } = link.producer;
  const [closed, inbox] = await Promise.all([
    readClosed(participants.of(producer), { link: id, consumer }),
    readInbox(participants.of(consumer), id),
  ]);
  return { closed, inbox };
}

/** Keeps the equal reading of each lane, else the newest. Returns whether all are equal. */
function mergeEpochs(
  epochs: Map<bigint, Map<number, ClosedLane>>,
  closed: readonly LaneDigest[],
  inbox: readonly InboxLaneDigest[],
): boolean {
  for (const epoch of new Set([...closed, ...inbox].map((one) => one.epoch))) {
    const lanes = epochs.get(epoch) ?? new Map<number, ClosedLane>();
    epochs.set(epoch, lanes);
    const of = (one: { epoch: bigint }) => one.epoch === epoch;
    for (const row of compareLanes(closed.filter(of), inbox.filter(of))) {
      const known = lanes.get(row.lane);
      if (!known || !isLaneEqual(known)) lanes.set(row.lane, row);
    }
  }
  return [...epochs.values()].every((lanes) => [...lanes.values()].every(isLaneEqual));
}

function describeMessages(what: string, epochs: readonly (readonly [bigint, Epoch])[]): Finding {
  const lanes = epochs.flatMap(([epoch, all]) =>
    [...all.values()].map((one) => ({ epoch, ...one })),
  );
  const unequal = lanes.filter((lane) => !isLaneEqual(lane));
  const count = (side: 'closed' | 'inbox') =>
    lanes.reduce((sum, lane) => sum + lane[side].count, 0);
  const isMany = epochs.length > 1;
  return {
    what,
    isEqual: unequal.length === 0,
    producer: `${count('closed')} closed`,
    consumer: `${count('inbox')} settled`,
    examples: unequal
      .slice(0, EXAMPLES)
      .map(({ epoch, lane }) => `${isMany ? `epoch ${epoch} ` : ''}lane ${lane}`),
  };
}

async function verifyOpen({ participants, link, consumer }: VerifyOptions): Promise<Finding> {
  const { id, producer } = link.producer;
  const request = { link: id, consumer };
  const { open, oldestOpenMs } = await participants.of(producer).getProgress(request, REPEATABLE);
  return {
    what: 'open messages',
    isEqual: oldestOpenMs < OVERDUE_MS,
    producer: `${open} open, oldest ${oldestOpenMs} ms`,
    consumer: '',
    examples: [],
  };
}

async function verifyDead({ participants, link, consumer }: VerifyOptions): Promise<Finding> {
  const request = { link: link.producer.id, limit: EXAMPLES };
  const { total, deadLetters } = await participants
    .of(consumer)
    .listDeadLetters(request, REPEATABLE);
  return {
    what: 'dead letters',
    isEqual: total === 0n,
    producer: '',
    consumer: `${total} dead`,
    examples: deadLetters.map(({ id }) => id),
  };
}
