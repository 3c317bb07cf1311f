/**
 * From what a person asks for to a run that can be created, or a refusal that says why and what
 * next.
 */

import { LinkKind } from '../../gen/relink/v1/participant_pb.ts';
import type { Transport } from '../../link/link.ts';
import { editDistance } from '../../runtime/editDistance.ts';
import { type FaultyField, MigrationError } from '../errors.ts';
import { requireLogs } from '../leg/logFiles.ts';
import {
  type DescribedLink,
  type Participants,
  REPEATABLE,
  type Topology,
  transportFromWire,
} from '../participants.ts';
import type { Plan } from '../plan.ts';
import { forEachLink } from '../plans/eachLink.ts';
import { choosePlan } from '../plans/index.ts';
import { parseSettings } from '../settings.ts';
import type { NewRun } from './journal.ts';
import { howItEnds } from './life.ts';
import { linksOf } from './links.ts';
import { changesOf, type EventChange, refuseLosses } from './losses.ts';
import { type MovedLink, nameRoute, type RouteName, type RunRecord } from './record.ts';
import { asNewestBuildSays, siblingsOf } from './siblings.ts';

export interface MoveRequest {
  readonly link: string;
  /** `sync`, `async`, `pull`, a contract version such as `v1`, or both: `async,v1`. */
  readonly to: string;
  /** Empty for every consumer. */
  readonly consumer: string;
  /** `keep` or `none`; empty only for a plan. */
  readonly wayBack: string;
  readonly isStepByStep: boolean;
  readonly isHeld: boolean;
  readonly actor: string;
  readonly settings: Readonly<Record<string, string>>;
}

export interface Move {
  readonly run: NewRun;
  readonly plan: Plan;
  /** With another contract version: what it makes of the events. */
  readonly changes: readonly EventChange[];
}

/** A transport, a contract version, or both. */
const TARGET = /^(?<transport>sync|async|pull)?(?:(?:^|,)v(?<version>\d{1,3}))?$/;
/** Empty for a plan of somebody who has not chosen yet. */
const WAYS_BACK = ['keep', 'none', ''];
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
  await requireLogs(settings.log_files);
  const topology = await participants.topology();
  const link = findLink(topology, request.link);
  const named = await findMove(participants, link, request, live);
  const kind = link.producer.kind === LinkKind.FORMAL ? 'formal' : 'functional';
  const { from, to } = named;
  choosePlan({ kind, from, to }, settings);
  const others = await findOthers(participants, topology, request, named, live);
  const changes = await changesIn(participants, topology, [named, ...others]);
  const takesFields = changes.some(({ complement }) => complement.length > 0);
  const plan = choosePlan({ kind, from, to, takesFields }, settings);
  await refuseLosses(participants, link, changes, request.wayBack);
  const { consumer, isStepByStep, isHeld, actor } = request;
  const run: NewRun = {
    ...named,
    ...{ others, plan: plan.name, producer: link.producer.producer, consumer },
    ...{ settings, isStepByStep, isHeld, actor },
    wayBack: request.wayBack === 'none' ? 'none' : 'keep',
  };
  return { plan: others.length > 0 ? forEachLink(plan) : plan, run, changes };
}

async function changesIn(
  participants: Participants,
  { links }: Topology,
  moved: readonly MovedLink[],
): Promise<EventChange[]> {
  const changes: EventChange[] = [];
  for (const one of moved)
    changes.push(...changesOf(await asNewestBuildSays(participants, links.get(one.link)!), one));
  return changes;
}

/** Where the legs of a link are, and where they would go. */
async function findMove(
  participants: Participants,
  link: DescribedLink,
  request: MoveRequest,
  live: readonly RunRecord[],
): Promise<MovedLink> {
  const { id, immovableReason } = link.producer;
  const asked = chooseConsumers(link, request.consumer);
  refuseBusy(live, id, asked);
  if (immovableReason !== '') throw notMovable(id, immovableReason);
  return { link: id, ...(await findRoutes(participants, link, request, asked)) };
}

/**
 * The links whose contract version moves along. Each keeps its transport: one that changes has a
 * move of its own, so that each move has one reason to fail.
 */
async function findOthers(
  participants: Participants,
  topology: Topology,
  request: MoveRequest,
  { link, from, to, consumers }: MovedLink,
  live: readonly RunRecord[],
): Promise<MovedLink[]> {
  if (from.version === to.version) return [];
  const others: MovedLink[] = [];
  const target = { ...request, to: `v${to.version}` };
  for (const other of await siblingsOf(participants, topology, link, to.version)) {
    const asked = chooseConsumers(other, request.consumer);
    if (await isThere(participants, other.producer, asked, to.version)) continue;
    if (from.transport !== to.transport)
      throw notMovable(
        link,
        `the contract version of ${other.producer.id} moves with it, as both replicate the same: ` +
          `move the transport and then the version, --to ${to.transport} and --to v${to.version}`,
      );
    others.push(await findMove(participants, other, target, live));
  }
  refuseOtherConsumers(link, consumers, others);
  return others;
}

/** Their rows are the same, so the same consumers have to change. */
function refuseOtherConsumers(
  link: string,
  consumers: readonly string[],
  others: readonly MovedLink[],
) {
  const text = consumers.toSorted().join(', ');
  const other = others.find((one) => one.consumers.toSorted().join(', ') !== text);
  if (other)
    throw notMovable(
      link,
      `its version moves for ${text}, and that of ${other.link} for ${other.consumers.join(', ')}: ` +
        'move them one consumer at a time with --consumer',
    );
}

async function isThere(
  participants: Participants,
  { id, producer }: DescribedLink['producer'],
  consumers: readonly string[],
  version: number,
): Promise<boolean> {
  for (const consumer of consumers) {
    const { lanes } = await participants.of(producer).getRoutes({ link: id, consumer }, REPEATABLE);
    if (lanes.some((lane) => lane.version !== version)) return false;
  }
  return true;
}

function refuseFaults({ link, to, wayBack }: MoveRequest): void {
  const fields: FaultyField[] = [];
  if (link === '') fields.push({ field: 'link', description: 'is missing, for example COMM-010' });
  if (to === '' || !TARGET.test(to))
    fields.push({
      field: 'to',
      description: 'must be sync, async, pull, a version such as v1, or both, as in async,v1',
    });
  if (!WAYS_BACK.includes(wayBack))
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
  const holder = live.find((run) =>
    linksOf(run).some(
      (moved) => moved.link === link && moved.consumers.some((one) => consumers.includes(one)),
    ),
  );
  if (holder)
    throw new MigrationError(
      'LINK_BUSY',
      `run ${holder.id} (to ${nameRoute(holder.to)}, ${holder.state}) holds ${link}: ` +
        howItEnds(holder),
    );
}

async function findRoutes(
  participants: Participants,
  { producer }: DescribedLink,
  request: MoveRequest,
  asked: readonly string[],
): Promise<{ from: RouteName; to: RouteName; consumers: string[] }> {
  const moves: { consumer: string; from: RouteName; to: RouteName }[] = [];
  const known = await knownVersions(participants, producer);
  for (const consumer of asked) {
    const { lanes } = await participants
      .of(producer.producer)
      .getRoutes({ link: producer.id, consumer }, REPEATABLE);
    for (const { transport, version } of lanes) {
      const from = { transport: transportFromWire(transport)!, version };
      const to = targetOf(request.to, from);
      refuseTransport(producer, to);
      refuseVersion(producer, known, to);
      if (nameRoute(from) !== nameRoute(to)) moves.push({ consumer, from, to });
    }
  }
  const [first] = moves;
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
): Promise<KnownVersions> {
  const replicas = await participants.replicas(producer, { retryUnavailable: true });
  const silent = replicas.filter(({ description }) => !description).map(({ address }) => address);
  const links = replicas.flatMap(({ description }) => description?.produces ?? []);
  const events = links.filter((link) => link.id === id).flatMap((link) => link.events);
  const versions = [...new Set(events.flatMap((one) => one.versions))].sort((a, b) => a - b);
  return { versions, silent };
}

interface KnownVersions {
  readonly versions: readonly number[];
  /** Processes that do not answer: they may know more. */
  readonly silent: readonly string[];
}

function refuseVersion(
  { id, producer }: DescribedLink['producer'],
  { versions, silent }: KnownVersions,
  { version }: RouteName,
): void {
  if (versions.includes(version)) return;
  const names = versions.map((one) => `v${one}`).join(', ');
  if (silent.length > 0)
    throw new MigrationError(
      'PARTICIPANT_AWAY',
      `the processes of ${producer} that answer know ${id} in ${names}, not in v${version}, and ` +
        `${silent.join(', ')} does not answer; relink topology shows which are up`,
    );
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
