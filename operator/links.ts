/** The current state of the links: routes, open messages, JetStream's counters, and warnings. */

import type { MessageInitShape } from '@bufbuild/protobuf';
import type { JetStreamManager } from '@nats-io/jetstream';
import type { LegSchema, LinkSchema } from '../gen/relink/v1/operator_pb.ts';
import { LinkKind } from '../gen/relink/v1/participant_pb.ts';
import type { LaneRoute } from '../gen/relink/v1/route_pb.ts';
import {
  askEach,
  type DescribedLink,
  type Participants,
  REPEATABLE,
  transportFromWire,
  type Unanswered,
} from '../migration/participants.ts';
import { linksOf } from '../migration/run/links.ts';
import type { RunRecord } from '../migration/run/record.ts';
import {
  type DemandingLink,
  describeDifference,
  findDifferences,
  type StreamDifference,
} from '../migration/streams/differences.ts';
import { readStreamState, type StreamState } from '../migration/streams/state.ts';
import { RpcCallError } from '../rpc/client.ts';
import { messageOf } from '../runtime/errors.ts';
import type { ContractAlarm } from './contracts/pairs.ts';
import type { UnroutedWatch } from './unrouted.ts';
import { type BlockedMessages, type LegState, legWarnings } from './warnings.ts';

export interface LinkSources {
  readonly participants: Participants;
  readonly manager: () => Promise<JetStreamManager>;
  readonly liveRuns: () => Promise<readonly RunRecord[]>;
  readonly unrouted: UnroutedWatch;
  /** Messages that a consumer lost with its database. */
  readonly missingOf: (link: string, consumer: string) => number;
  readonly contractAlarms: () => readonly ContractAlarm[];
}

/** The rest is shown without JetStream, which may be what is broken. */
const STREAM_LIMIT_MS = 1_000;

export interface ListedLinks {
  readonly links: MessageInitShape<typeof LinkSchema>[];
  /** Services whose links are missing. */
  readonly unanswered: Unanswered[];
}

export async function listLinks(sources: LinkSources): Promise<ListedLinks> {
  const [topology, runs] = await Promise.all([sources.participants.topology(), sources.liveRuns()]);
  const found = [...topology.links.values()];
  const sorted = found.sort((a, b) => (a.producer.id < b.producer.id ? -1 : 1));
  return {
    links: await Promise.all(sorted.map((link) => describeLink(sources, link, runs))),
    unanswered: [...topology.unanswered],
  };
}

async function describeLink(
  sources: LinkSources,
  link: DescribedLink,
  runs: readonly RunRecord[],
): Promise<MessageInitShape<typeof LinkSchema>> {
  const { id, kind, producer, consumers, transports, immovableReason } = link.producer;
  const stream = await readStreamQuickly(sources, link.producer);
  return {
    id,
    producer,
    kind: kind === LinkKind.FORMAL ? 'formal' : 'functional',
    transports: transports.map((one) => transportFromWire(one) ?? ''),
    immovableReason,
    legs: await Promise.all(
      consumers.map((consumer) => {
        const isMoving = runs
          .flatMap(linksOf)
          .some((moved) => moved.link === id && moved.consumers.includes(consumer));
        return describeLeg(sources, link, { consumer, stream, isMoving });
      }),
    ),
  };
}

async function describeLeg(
  { participants, unrouted, missingOf, contractAlarms }: LinkSources,
  link: DescribedLink,
  leg: { consumer: string; stream: StreamRead; isMoving: boolean },
): Promise<MessageInitShape<typeof LegSchema>> {
  const { id, producer } = link.producer;
  const { consumer, stream } = leg;
  const request = { link: id, consumer };
  const [progress, blocked, consumption, letters, written] = await Promise.all([
    participants.of(producer).getProgress(request, REPEATABLE),
    readBlocked(participants, producer, request),
    readConsumption(participants, link, consumer),
    orUnreachable(participants.of(consumer).listDeadLetters({ link: id, limit: 1 }, REPEATABLE)),
    unrouted.find({ link: id, producer, consumer }),
  ]);
  const counters = stream.state?.consumers.find(({ name }) => name === consumer);
  const state: LegState = {
    consumer,
    isMoving: leg.isMoving,
    isUp: letters !== undefined,
    isListening: link.consumers.get(consumer)?.listening ?? false,
    hasDurable: counters !== undefined,
    streamProblem: stream.problem,
    streamDifferences: stream.differences.filter(isOf(consumer)).map(tellDifference(id)),
    transports: new Set(
      progress.lanes.map(({ adoptedTransport }) => transportFromWire(adoptedTransport)),
    ),
    unownedLanes: progress.unownedLanes,
    deadLetters: Number(letters?.total ?? 0n),
    unrouted: written,
    lost: describeLost(missingOf(id, consumer), id),
    blocked,
    pausedReason: consumption.pausedReason,
    contractAlarms: contractAlarms()
      .filter((one) => one.link === id && [producer, consumer].includes(one.service))
      .map(({ text }) => text),
    bindProblem: consumption.bindProblem,
  };
  return {
    consumer,
    routes: groupRoutes(progress.lanes),
    outboxOpen: progress.open,
    oldestOpenMs: progress.oldestOpenMs,
    streamPending: BigInt(counters?.pending ?? 0),
    ackPending: BigInt(counters?.ackPending ?? 0),
    deadLetters: letters?.total ?? 0n,
    parked: letters?.parked ?? 0n,
    warnings: legWarnings(state),
    blocked: BigInt(blocked.count),
    blockedReason: blocked.reason,
    blockedMs: BigInt(blocked.forMs),
    pausedReason: state.pausedReason,
  };
}

function describeLost(missing: number, link: string): string {
  if (missing === 0) return '';
  const messages = missing === 1 ? '1 settled message' : `${missing} settled messages`;
  return `${messages}; relink reconcile ${link}`;
}

/** Each process of the producer knows what keeps messages in its own lanes. */
async function readBlocked(
  participants: Participants,
  producer: string,
  request: { link: string; consumer: string },
): Promise<BlockedMessages> {
  const all = await askEach(participants.each(producer), (one) => one.getProgress(request));
  const [longest] = all.sort((a, b) => Number(b.blockedMs - a.blockedMs));
  return {
    count: all.reduce((sum, { blocked }) => sum + Number(blocked), 0),
    reason: longest?.blockedReason ?? '',
    forMs: Number(longest?.blockedMs ?? 0n),
  };
}

/** Each process of the consumer knows what keeps itself from consuming; the first that has something. */
async function readConsumption(
  participants: Participants,
  link: DescribedLink,
  consumer: string,
): Promise<{ readonly pausedReason: string; readonly bindProblem: string }> {
  const request = { link: link.producer.id };
  const all = await askEach(participants.each(consumer), (one) =>
    orNothing(one.getConsumption(request)),
  ).catch(() => []);
  const find = (field: 'pausedReason' | 'bindProblem') =>
    all.map((one) => one?.[field]).find((text) => text) ?? '';
  const described = link.consumers.get(consumer)?.bindProblem ?? '';
  return { pausedReason: find('pausedReason'), bindProblem: find('bindProblem') || described };
}

/** A build of before cannot be asked. */
async function orNothing<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    if (error instanceof RpcCallError && error.code === 'UNIMPLEMENTED') return undefined;
    throw error;
  }
}

/** Lanes grouped by the route that their owners dispatch by, ascending. */
export function groupRoutes(lanes: readonly LaneRoute[]) {
  const groups = Map.groupBy(
    lanes,
    (lane) => `${lane.adoptedTransport}/${lane.adoptedVersion}/${lane.adoptedEpoch}`,
  );
  return [...groups.values()].map((same) => ({
    lanes: same.map(({ lane }) => lane).sort((a, b) => a - b),
    transport: transportFromWire(same[0]!.adoptedTransport) ?? '',
    version: same[0]!.adoptedVersion,
    epoch: same[0]!.adoptedEpoch,
  }));
}

async function orUnreachable<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    if (error instanceof RpcCallError && error.outcome === 'unknown') return undefined;
    throw error;
  }
}

interface StreamRead {
  readonly state?: StreamState;
  /** Why there is none, or empty. */
  readonly problem: string;
  readonly differences: readonly StreamDifference[];
}

/** The stream's own concern every leg. */
function isOf(consumer: string) {
  return ({ durable }: StreamDifference) => durable === '' || durable === consumer;
}

function tellDifference(link: string) {
  return (one: StreamDifference) => `${describeDifference(link, one)}: relink streams mend ${link}`;
}

async function readStreamQuickly(
  { manager }: LinkSources,
  link: DemandingLink,
): Promise<StreamRead> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<StreamRead>((resolve) => {
    const problem = `JetStream does not answer within ${STREAM_LIMIT_MS / 1_000} s`;
    timer = setTimeout(resolve, STREAM_LIMIT_MS, { problem, differences: [] });
  });
  const read = manager()
    .then((one) => readStreamNow(one, link))
    .catch((error) => ({
      ...{ problem: `JetStream does not answer: ${messageOf(error)}`, differences: [] },
    }));
  const state = await Promise.race([read, late]);
  clearTimeout(timer);
  return state;
}

async function readStreamNow(manager: JetStreamManager, link: DemandingLink): Promise<StreamRead> {
  const [state, differences] = await Promise.all([
    readStreamState(manager, link.id),
    findDifferences(manager, link),
  ]);
  return state
    ? { state, problem: '', differences }
    : { problem: 'the stream is missing', differences };
}
