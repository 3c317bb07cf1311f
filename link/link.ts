/**
 * The words of the link kit.
 *
 * - link: an agreed one-way communication from one producer service to its consumers (`COMM-010`)
 * - leg: one (link, consumer) pair, the unit that is migrated; written `COMM-010/hiring`
 * - formal: replicates an entity, the newest version wins; functional: every event counts once
 * - transport: `sync` (unary gRPC call), `async` (event on JetStream), `pull` (the consumer asks)
 * - contract: an event's message at one version
 * - route: what a leg uses now, per lane: transport + contract version + epoch
 * - lane: a hash partition of a link's keys; order is kept per key, work is spread by lane
 * - epoch: a number of a link that only grows; each route change takes the next one
 */
import { crc32 } from 'node:zlib';
import type { DescMethodUnary } from '@bufbuild/protobuf';
import type { Contract, EventJson } from './contracts/contract.ts';
import type { Mapping } from './contracts/mapping.ts';
import { LinkError } from './errors.ts';

export type LinkKind = 'formal' | 'functional';
export type Transport = 'sync' | 'async' | 'pull';

/** Lanes of every link. A constant of the protocol: both sides compute the lane by themselves. */
export const LANES = 16;
export const ALL_LANES: readonly number[] = Array.from({ length: LANES }, (_, lane) => lane);

/** The largest message with its headers. */
const MIN_STREAM_BYTES = 1_024 * 1_024;

export interface ConsumerDefinition {
  /** The typed method of the consumer's API that a `sync` route calls. */
  readonly push: DescMethodUnary;
}

/** `Event` is the union of its events' JSON types; without it any event. */
export interface LinkDefinition<Event extends EventJson = EventJson> {
  /** For example `COMM-010`; also the name of its stream. */
  readonly id: string;
  readonly kind: LinkKind;
  readonly producer: string;
  readonly consumers: Readonly<Record<string, ConsumerDefinition>>;
  /** The newest contract of every event, any order: what handlers and business code know. */
  readonly contracts: readonly Contract<Event>[];
  /** From each older version of an event to the next: as long as the link may travel in it. */
  readonly mappings?: readonly Mapping[];
  /** The payload's field that is the key: order is kept per key. */
  readonly keyField: string;
  /** Formal links: the entity that is replicated. Links of one entity share its versions. */
  readonly entity?: string;
  /** Functional links: apply a key's events in the order of their versions, without gaps. */
  readonly ordered?: boolean;
  readonly starts: { readonly transport: Transport; readonly version: number };
  /** Transports the link may be moved to, the starting one included. */
  readonly transports: readonly Transport[];
  /** Names of events that producers elsewhere publish to the stream without the envelope. */
  readonly flat?: readonly string[];
  /** Its stream: the replicas that it must have (1 unless said), and the bytes that it may take. */
  readonly stream?: { readonly replicas?: 1 | 2 | 3 | 4 | 5; readonly maxBytes?: number };
  /** Why the link may not be moved at all. */
  readonly immovableReason?: string;
  /** What this build reads and writes at most, if it is not the newest: see release.ts. */
  readonly release?: { readonly reads: number; readonly writes: number };
}

/** A map of links by id. */
export type LinkMap = Readonly<Record<string, LinkDefinition>>;

/** The union of the JSON types of a link's events. */
export type EventOf<Link extends LinkDefinition> =
  Link['contracts'][number] extends Contract<infer Event extends EventJson> ? Event : never;

export class LinkDefinitionError extends Error {}

/**
 * Checks the map as a whole and reports every problem at once. Of the map that it returns the
 * compiler knows the ids, and the events of each link.
 */
export function defineLinks<const List extends readonly LinkDefinition[]>(
  links: List,
): { readonly [Link in List[number] as Link['id']]: LinkDefinition<EventOf<Link>> } {
  const problems = links.flatMap(problemsOf);
  const ids = links.map((link) => link.id);
  for (const id of new Set(ids))
    if (ids.filter((other) => other === id).length > 1) problems.push(`${id} is declared twice`);
  if (problems.length > 0) throw new LinkDefinitionError(problems.join('\n'));
  return Object.fromEntries(links.map((link) => [link.id, link])) as never;
}

/**
 * The link with this id, for ids that the compiler does not know.
 * @throws LinkError UNKNOWN_LINK
 */
export function linkOf(links: LinkMap, id: string): LinkDefinition {
  const link = Object.hasOwn(links, id) ? links[id] : undefined;
  if (!link) throw new LinkError('UNKNOWN_LINK', `there is no link ${id}`);
  return link;
}

function problemsOf(link: LinkDefinition): string[] {
  const problems: string[] = [];
  if (!/^[A-Z]+-\d{3}$/.test(link.id)) problems.push(`${link.id}: an id looks like COMM-010`);
  if (Object.keys(link.consumers).length === 0) problems.push(`${link.id}: it has no consumer`);
  if (link.contracts.length === 0) problems.push(`${link.id}: it has no event`);
  if (link.kind === 'formal' && !link.entity) problems.push(`${link.id}: name its entity`);
  if (link.ordered && link.kind === 'formal')
    problems.push(`${link.id}: a formal link has no order, its newest version wins`);
  if (!link.transports.includes(link.starts.transport))
    problems.push(`${link.id}: it starts as ${link.starts.transport}, which it does not list`);
  if (link.stream?.maxBytes !== undefined && link.stream.maxBytes < MIN_STREAM_BYTES)
    problems.push(
      `${link.id}: stream.maxBytes must be ${MIN_STREAM_BYTES} or more: its largest message must fit`,
    );
  return [...problems, ...flatProblemsOf(link), ...versionProblemsOf(link)];
}

function flatProblemsOf({ id, flat = [], ...link }: LinkDefinition): string[] {
  if (flat.length === 0) return [];
  const problems: string[] = [];
  for (const event of flat)
    if (!link.contracts.some((one) => one.event === event))
      problems.push(`${id}: it takes ${event} flat, which it does not carry`);
  if (!link.transports.includes('async'))
    problems.push(`${id}: it takes events flat, which only a stream brings, and is never async`);
  // A producer elsewhere cannot know which version of a key is the next.
  if (link.ordered) problems.push(`${id}: it is ordered, so it cannot take events flat`);
  return problems;
}

/** Every version from the first route on must lead to the newest of its event, step by step. */
function versionProblemsOf({ id, contracts, mappings = [], starts }: LinkDefinition): string[] {
  const problems: string[] = [];
  for (const event of new Set(contracts.map((one) => one.event))) {
    const newest = contracts.filter((one) => one.event === event).map(({ version }) => version);
    if (newest.length > 1)
      problems.push(
        `${id}: ${event} is listed at versions ${newest.sort().join(' and ')}; list the newest, and a mapping from each older one`,
      );
    const older = mappings.filter((one) => one.older.event === event);
    const reached = older.map(({ newer }) => newer.version);
    for (const { older: from, newer: to } of older)
      if (to.version !== newest[0] && !older.some((one) => one.older.version === to.version))
        problems.push(`${id}: ${event} has no mapping from v${to.version} to v${newest[0]}`);
      else if (reached.filter((one) => one === to.version).length > 1)
        problems.push(`${id}: ${event} v${to.version} has more than one mapping to it`);
      else if (from.version >= to.version)
        problems.push(`${id}: ${event} has a mapping from v${from.version} down to v${to.version}`);
    const oldest = Math.min(...newest, ...older.map((one) => one.older.version));
    if (oldest > starts.version)
      problems.push(
        `${id}: it starts at version ${starts.version}, and ${event} is listed from version ${oldest}; add a mapping from version ${starts.version}`,
      );
  }
  for (const { older } of mappings)
    if (!contracts.some(({ event }) => event === older.event))
      problems.push(`${id}: it has a mapping of ${older.event}, which it does not carry`);
  return problems;
}

/** `COMM-010/hiring` */
export function legOf(link: string, consumer: string): string {
  return `${link}/${consumer}`;
}

/** Every leg of a link. */
export function legsOf(link: LinkDefinition): string[] {
  return Object.keys(link.consumers).map((consumer) => legOf(link.id, consumer));
}

/** The lane of a key: IEEE CRC-32 of its UTF-8 bytes modulo 16, the same in every language. */
export function laneOf(key: string): number {
  return crc32(key) % LANES;
}

/** `COMM-010.07.v0.ManagerCreated` */
export function subjectOf(link: string, lane: number, version: number, event: string): string {
  return `${link}.${String(lane).padStart(2, '0')}.v${version}.${event}`;
}
