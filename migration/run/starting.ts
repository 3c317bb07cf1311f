/**
 * From what a person asks for to a run that can be created, or a refusal that says why and what
 * next.
 */

import { LinkKind } from '../../gen/relink/v1/participant_pb.ts';
import type { Transport } from '../../link/link.ts';
import { editDistance } from '../../runtime/editDistance.ts';
import { type FaultyField, MigrationError } from '../errors.ts';
import {
  type DescribedLink,
  type Participants,
  REPEATABLE,
  type Topology,
  transportFromWire,
} from '../participants.ts';
import type { Plan } from '../plan.ts';
import { choosePlan } from '../plans/index.ts';
import { parseSettings } from '../settings.ts';
import type { NewRun } from './journal.ts';
import { nameRoute, type RouteName, type RunRecord } from './record.ts';

export interface MoveRequest {
  readonly link: string;
  /** `sync`, `async`, `pull`, a contract version such as `v1`, or both: `async,v1`. */
  readonly to: string;
  /** Empty for every consumer. */
  readonly consumer: string;
  readonly wayBack: string;
  readonly isStepByStep: boolean;
  readonly isHeld: boolean;
  readonly actor: string;
  readonly settings: Readonly<Record<string, string>>;
}

export interface Move {
  readonly run: NewRun;
  readonly plan: Plan;
}

/** A transport, a contract version, or both. */
const TARGET = /^(?<transport>sync|async|pull)?(?:(?:^|,)v(?<version>\d{1,3}))?$/;
const MAX_SUGGESTION_DISTANCE = 2; // COMM-01O for COMM-010

/**
 * Works out what a move would do, without doing it. `live` are the runs that hold legs now.
 * @throws MigrationError REQUEST_INVALID, LINK_UNKNOWN, LINK_NOT_MOVABLE, LINK_BUSY,
 * PARTICIPANT_AWAY
 */
export async function resolveMove(
  participants: Participants,
  request: MoveRequest,
  live: readonly RunRecord[],
): Promise<Move> {
  refuseFaults(request);
  const settings = parseSettings(request.settings);
  const topology = await participants.topology();
  const link = findLink(topology, request.link);
  const asked = chooseConsumers(link, request.consumer);
  refuseBusy(live, request.link, asked);
  if (link.producer.immovableReason !== '')
    throw notMovable(request.link, link.producer.immovableReason);
  const { from, to, consumers } = await findRoutes(participants, link, request, asked);
  const kind = link.producer.kind === LinkKind.FORMAL ? 'formal' : 'functional';
  const plan = choosePlan({ kind, from, to }, settings);
  const { id, producer } = link.producer;
  const { consumer, isStepByStep, isHeld, actor } = request;
  const wayBack = request.wayBack as 'keep' | 'none';
  const run: NewRun = {
    plan: plan.name,
    link: id,
    producer,
    consumer,
    consumers,
    from,
    to,
    settings,
    wayBack,
    isStepByStep,
    isHeld,
    actor,
  };
  return { plan, run };
}

function refuseFaults({ link, to, wayBack }: MoveRequest): void {
  const fields: FaultyField[] = [];
  if (link === '') fields.push({ field: 'link', description: 'is missing, for example COMM-010' });
  if (to === '' || !TARGET.test(to))
    fields.push({
      field: 'to',
      description: 'must be sync, async, pull, a version such as v1, or both, as in async,v1',
    });
  if (wayBack !== 'keep' && wayBack !== 'none')
    fields.push({ field: 'way_back', description: 'must be keep or none: choose before starting' });
  if (fields.length === 0) return;
  const text = fields.map(({ field, description }) => `${field} ${description}`).join('; ');
  throw new MigrationError('REQUEST_INVALID', text, { fields });
}

/**
 * @throws MigrationError LINK_UNKNOWN with what is known, or PARTICIPANT_AWAY while a service
 * that may produce it does not answer
 */
export function findLink({ links, unanswered }: Topology, id: string): DescribedLink {
  const link = links.get(id);
  if (link) return link;
  if (unanswered.length > 0) {
    const silent = unanswered.map(({ service }) => service).join(', ');
    throw new MigrationError(
      'PARTICIPANT_AWAY',
      `no service that answers produces ${id}, and these do not answer: ${silent}; ` +
        'relink topology shows which are up',
    );
  }
  const known = [...links.keys()].sort();
  const near = known.find((one) => editDistance(one, id) <= MAX_SUGGESTION_DISTANCE);
  const hint = near ? `did you mean ${near}?` : `known are ${known.join(', ')}`;
  throw new MigrationError('LINK_UNKNOWN', `no running service produces ${id}; ${hint}`);
}

/** The consumers a request is about. */
export function chooseConsumers({ producer }: DescribedLink, consumer: string): readonly string[] {
  if (consumer === '') return producer.consumers;
  if (producer.consumers.includes(consumer)) return [consumer];
  const known = producer.consumers.join(', ');
  const description = `is not a consumer of ${producer.id}; its consumers are ${known}`;
  throw new MigrationError('REQUEST_INVALID', `consumer ${consumer} ${description}`, {
    fields: [{ field: 'consumer', description }],
  });
}

function refuseBusy(live: readonly RunRecord[], link: string, consumers: readonly string[]): void {
  const holder = live.find(
    (run) => run.link === link && run.consumers.some((one) => consumers.includes(one)),
  );
  if (holder)
    throw new MigrationError(
      'LINK_BUSY',
      `run ${holder.id} (to ${nameRoute(holder.to)}, ${holder.state}) holds ${link}; ` +
        `see relink status ${holder.id}`,
    );
}

async function findRoutes(
  participants: Participants,
  { producer }: DescribedLink,
  request: MoveRequest,
  asked: readonly string[],
): Promise<{ from: RouteName; to: RouteName; consumers: string[] }> {
  const moves: { consumer: string; from: RouteName; to: RouteName }[] = [];
  const versions = await knownVersions(participants, producer);
  for (const consumer of asked) {
    const { lanes } = await participants
      .of(producer.producer)
      .getRoutes({ link: producer.id, consumer }, REPEATABLE);
    for (const { transport, version } of lanes) {
      const from = { transport: transportFromWire(transport)!, version };
      const to = targetOf(request.to, from);
      refuseTransport(producer, to);
      refuseVersion(producer.id, versions, to);
      if (nameRoute(from) !== nameRoute(to)) moves.push({ consumer, from, to });
    }
  }
  const first = moves[0];
  if (!first) throw notMovable(producer.id, `it already goes by ${request.to}`);
  const starts = new Set(moves.map(({ from }) => nameRoute(from)));
  if (starts.size > 1)
    throw notMovable(
      producer.id,
      `its legs start from different routes (${[...starts].join(', ')}): move them one at a time ` +
        'with --consumer',
    );
  const consumers = [...new Set(moves.map(({ consumer }) => consumer))];
  return { from: first.from, to: first.to, consumers };
}

function targetOf(to: string, from: RouteName): RouteName {
  const { transport, version } = TARGET.exec(to)?.groups ?? {};
  return {
    transport: (transport as Transport | undefined) ?? from.transport,
    version: version === undefined ? from.version : Number(version),
  };
}

/** What any live process of the producer reads, ascending: a gate waits until every one does. */
async function knownVersions(
  participants: Participants,
  { id, producer }: DescribedLink['producer'],
): Promise<number[]> {
  const replicas = await participants.replicas(producer);
  const links = replicas.flatMap(({ description }) => description?.produces ?? []);
  const events = links.filter((link) => link.id === id).flatMap((link) => link.events);
  return [...new Set(events.flatMap(({ versions }) => versions))].sort((a, b) => a - b);
}

function refuseVersion(id: string, known: readonly number[], { version }: RouteName): void {
  if (known.includes(version)) return;
  const names = known.map((one) => `v${one}`).join(', ');
  throw notMovable(id, `its producer knows ${names}, not v${version}; release a build that does`);
}

function refuseTransport(producer: DescribedLink['producer'], { transport }: RouteName): void {
  const names = producer.transports.map(transportFromWire);
  if (!names.includes(transport))
    throw notMovable(producer.id, `it can go by ${names.join(', ')}, not by ${transport}`);
}

function notMovable(link: string, why: string): MigrationError {
  return new MigrationError('LINK_NOT_MOVABLE', `${link} cannot be moved: ${why}`);
}
