/**
 * Whether an old epoch of a leg is drained, and what its certificate says. Drained (protocol, rule
 * 11): every lane adopted a newer epoch, nothing an older route may have sent is open, no dead
 * letter of it is left. JetStream's counters are not asked.
 */

import type { InboxLaneDigest } from '../../gen/relink/v1/participant_pb.ts';
import type { LaneDigest } from '../../gen/relink/v1/route_pb.ts';
import {
  type ClosedLane,
  type ClosingStatement,
  exceptionsIn,
  isAllSettled,
  isLaneEqual,
} from '../certificate.ts';
import { StepProblem } from '../errors.ts';
import { REPEATABLE } from '../participants.ts';
import type { StepContext } from '../plan.ts';
import { nameRoute } from '../run/record.ts';
import { stepPause } from '../stepPause.ts';
import { noteDiffering, withAccepted } from './acceptance.ts';
import {
  type Differing,
  type DifferingLanes,
  type DifferingSides,
  describeDiffering,
  findDiffering,
} from './differing.ts';
import { readClosed, readInbox } from './digests.ts';
import { withExceptions } from './exceptions.ts';
import { epochsAtStart, isAdopted, type Lanes, readLanes } from './lanes.ts';
import { listDead } from './traffic.ts';

/**
 * A row is closed some milliseconds after its receipt, so an unequal epoch is compared again for this
 * long.
 */
const SETTLE_MS = 5_000;
const POLL_MS = 100;
/** Ids that a message names; enough to start an investigation. */
const EXAMPLES = 5;

export interface DrainState {
  /** Lanes whose owner still dispatches by the previous route. */
  readonly notAdopted: number;
  /** Open messages that an older route may have sent; those parked at the consumer are among them. */
  readonly carriedOpen: number;
  /** Event ids of dead letters of earlier epochs. */
  readonly dead: readonly string[];
}

export async function readDrainState(context: StepContext, consumer: string): Promise<DrainState> {
  const lanes = await readLanes(context, consumer);
  const epochOf = new Map(lanes.map(({ lane, epoch }) => [lane, epoch]));
  const isOver = (one: { lane: number; epoch: bigint }) =>
    one.epoch < (epochOf.get(one.lane) ?? 0n);
  const notAdopted = lanes.filter((lane) => !isAdopted(lane)).length;
  const carriedOpen = lanes.reduce((sum, lane) => sum + Number(lane.carriedOpen), 0);
  const dead = (await listDead(context, consumer)).filter(isOver).map(({ eventId }) => eventId);
  return { notAdopted, carriedOpen, dead };
}

/** What is left to drain, in words; empty when drained. */
export function describeUndrained({ notAdopted, carriedOpen, dead }: DrainState): string {
  const parts: string[] = [];
  if (notAdopted > 0) parts.push(`${notAdopted} lanes not adopted`);
  if (carriedOpen > 0) parts.push(`${carriedOpen} open`);
  if (dead.length > 0)
    parts.push(`${dead.length} dead letters (${dead.slice(0, EXAMPLES).join(', ')})`);
  return parts.join(', ');
}

/** From now on the consumer refuses what was dispatched under earlier epochs. */
export async function raiseFences(context: StepContext, consumer: string): Promise<void> {
  const { run, participants } = context;
  const byEpoch = Map.groupBy(await readLanes(context, consumer), ({ epoch }) => epoch);
  for (const [minEpoch, lanes] of byEpoch)
    await participants
      .of(consumer)
      .raiseFence({ link: run.link, lanes: lanes.map(({ lane }) => lane), minEpoch }, REPEATABLE);
}

/**
 * Signs a certificate for every epoch of the leg that no lane uses any more.
 * @throws StepProblem `stop`, naming the lanes, when both sides are not equal
 */
export async function certifyClosedEpochs(context: StepContext, consumer: string): Promise<void> {
  const { run, certificates } = context;
  const untilMs = performance.now() + SETTLE_MS;
  for (;;) {
    const certified = await certificates.certified(run.link, consumer);
    const statements = await closingStatements(context, consumer, certified);
    const unequal = statements.flatMap(unequalLanes);
    if (unequal.length === 0) return signAll(context, statements);
    if (performance.now() > untilMs) return signWithExceptions(context, consumer, statements);
    await stepPause(POLL_MS, context.signal);
  }
}

/** @throws StepProblem `stop` unless everything that differs may be accepted */
async function signWithExceptions(
  context: StepContext,
  consumer: string,
  statements: readonly ClosingStatement[],
): Promise<void> {
  const named = await findDiffering(sidesOf(context, consumer), differingLanes(statements));
  const accepted: ClosingStatement[] = [];
  for (const one of statements) accepted.push(await withAccepted(context, one, named));
  const left = accepted.flatMap(unequalLanes);
  if (left.length === 0) return signAll(context, accepted);
  await noteDiffering(context, consumer, statements);
  throw new StepProblem('stop', describeLeft(context, consumer, left, named));
}

function describeLeft(
  { run: { id, link } }: StepContext,
  consumer: string,
  left: readonly string[],
  named: readonly Differing[],
): string {
  const ids = named.length === 0 ? '' : `: ${named.map(describeDiffering).join('; ')}`;
  return (
    `certificate of ${link}/${consumer}: ${left.join('; ')}${ids}; relink reconcile ${link} repairs what ` +
    `can be repaired; what differs for ever: relink resume ${id} --accept-differences REASON`
  );
}

function sidesOf({ run, participants }: StepContext, consumer: string): DifferingSides {
  const producerSide = participants.of(run.producer);
  return { link: run.link, consumer, producerSide, consumerSide: participants.of(consumer) };
}

function differingLanes(statements: readonly ClosingStatement[]): DifferingLanes {
  return new Map(
    statements.map(({ epoch, lanes }) => [
      BigInt(epoch),
      lanes.filter((one) => !isLaneEqual(one)).map(({ lane }) => lane),
    ]),
  );
}

async function signAll(context: StepContext, statements: readonly ClosingStatement[]) {
  for (const closing of statements) {
    const statement = await withExceptions(context, closing);
    await context.certificates.sign(statement);
    const { consumer, epoch } = statement;
    await context.observe(`certificate of ${consumer} epoch ${epoch}`, describeSides(statement));
  }
}

function describeSides(statement: ClosingStatement): string {
  const { count, exceptions, accepted } = statement;
  if (accepted)
    return `${count} messages, lanes ${accepted.lanes.join(', ')} differ: accepted by ${accepted.by}, ${accepted.reason}`;
  if (!exceptions) return `${count} messages, equal`;
  const ids = exceptions.messages.slice(0, EXAMPLES).map((one) => one.event_id);
  const names = ids.length === 0 ? '' : ` (${ids.join(', ')})`;
  return `${count} messages, equal; ${exceptionsIn(statement)} of them not applied${names}`;
}

async function closingStatements(
  context: StepContext,
  consumer: string,
  certified: ReadonlySet<number>,
): Promise<ClosingStatement[]> {
  const { run, participants } = context;
  const [lanes, closed, inbox] = await Promise.all([
    readLanes(context, consumer),
    readClosed(participants.of(run.producer), { link: run.link, consumer }),
    readInbox(participants.of(consumer), run.link),
  ]);
  const atStart = epochsAtStart(run, consumer);
  const digests = [...closed, ...inbox].map(({ epoch }) => Number(epoch));
  return overEpochs(lanes, [...atStart, ...digests])
    .filter((epoch) => !certified.has(epoch))
    .map((epoch) => {
      const of = <T extends { epoch: bigint }>(one: T) => Number(one.epoch) === epoch;
      const rows = compareLanes(closed.filter(of), inbox.filter(of));
      return {
        run: run.id,
        link: run.link,
        producer: run.producer,
        consumer,
        epoch,
        route: nameRoute(epoch <= Math.max(...atStart) ? run.from : run.to),
        count: rows.reduce((sum, row) => sum + row.closed.count, 0),
        lanes: rows,
      };
    });
}

/**
 * Epochs that no lane has or dispatches by any more: those with messages, and those of the start even
 * if they carried nothing, as by `pull`. Epochs above the newest were never assigned; someone called
 * the consumer by hand. `verify` shows them, but they say nothing about what the producer sent.
 */
function overEpochs(lanes: Lanes, seen: readonly number[]): number[] {
  const used = new Set(lanes.flatMap((lane) => [Number(lane.epoch), Number(lane.adoptedEpoch)]));
  const newest = Math.max(...lanes.map(({ epoch }) => Number(epoch)));
  return [...new Set(seen)].filter((epoch) => epoch > 0 && !used.has(epoch) && epoch < newest);
}

/** Both sides of every lane that either of them knows. */
export function compareLanes(
  closed: readonly LaneDigest[],
  inbox: readonly InboxLaneDigest[],
): ClosedLane[] {
  const lanes = new Set([...closed, ...inbox].map(({ lane }) => lane));
  return [...lanes]
    .sort((a, b) => a - b)
    .map((lane) => {
      const theirs = inbox.find((one) => one.lane === lane);
      return {
        lane,
        closed: digestOf(closed.find((one) => one.lane === lane)),
        inbox: digestOf(theirs),
        outcomes: {
          applied: Number(theirs?.applied ?? 0n),
          superseded: Number(theirs?.superseded ?? 0n),
          dead: Number(theirs?.dead ?? 0n),
          parked: Number(theirs?.parked ?? 0n),
        },
      };
    });
}

function digestOf(side: { digest?: { count: bigint; sum: string } | undefined } | undefined) {
  return { count: Number(side?.digest?.count ?? 0n), sum: side?.digest?.sum || '0' };
}

function unequalLanes({ epoch, lanes, accepted }: ClosingStatement): string[] {
  return lanes
    .filter((lane) => !accepted?.lanes.includes(lane.lane))
    .filter((lane) => !isLaneEqual(lane) || !isAllSettled(lane))
    .map((lane) => `epoch ${epoch} lane ${lane.lane}: ${describeUnequal(lane)}`);
}

function describeUnequal({ closed, inbox, outcomes }: ClosedLane): string {
  const counts = `closed ${closed.count}, settled ${inbox.count}`;
  if (outcomes.parked > 0) return `${counts}, ${outcomes.parked} of them still parked`;
  return closed.count === inbox.count ? `${counts} with other contents` : counts;
}
