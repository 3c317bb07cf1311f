/**
 * The contract versions of a link: which there are, which this build reads and writes, and how an
 * event gets from one to another. Handlers and business code know only the newest; every older one
 * is behind a mapping (contracts/mapping.ts).
 *
 * A route names a version of the link. An event that did not change in that version travels in the
 * newest that it had until then.
 */
import { type Contract, type EventJson, encodeText } from './contracts/contract.ts';
import type { Mapping } from './contracts/mapping.ts';
import { LinkError } from './errors.ts';
import type { LinkDefinition } from './link.ts';

type Payload = EventJson['payload'];

/** An event as somebody wrote it: an outbox row, or what arrived. */
export interface WrittenEvent {
  readonly event: string;
  readonly eventVersion: number;
  /** Its canonical text. */
  readonly body: string;
}

/** Of these versions of an event, the one that a route carries; undefined when it has none. */
export function carriedVersion(versions: readonly number[], route: number): number | undefined {
  const carried = versions.filter((version) => version <= route);
  return carried.length === 0 ? undefined : Math.max(...carried);
}

/** What is asked for every message, worked out once a link. */
interface VersionTable {
  /** The contracts of each event, newest first. */
  readonly byEvent: ReadonlyMap<string, readonly Contract[]>;
  readonly versions: readonly number[];
  readonly reads: number;
  readonly writes: number;
}

const tables = new WeakMap<LinkDefinition, VersionTable>();

function tableOf(link: LinkDefinition): VersionTable {
  const known = tables.get(link);
  if (known) return known;
  const all = allContracts(link).toSorted((a, b) => b.version - a.version);
  const versions = [...new Set(all.map(({ version }) => version))].reverse();
  const newest = versions.at(-1)!;
  const { reads = newest, writes = newest } = link.release ?? {};
  const byEvent = Map.groupBy(all, ({ event }) => event);
  const table = { byEvent, versions, reads, writes };
  tables.set(link, table);
  return table;
}

/** Every contract of a link, those of older versions included. */
export function allContracts({ contracts, mappings = [] }: LinkDefinition): readonly Contract[] {
  return [...contracts, ...mappings.map(({ older }) => older)];
}

/** The versions that a route of the link may name, ascending. */
export function versionsOf(link: LinkDefinition): readonly number[] {
  return tableOf(link).versions;
}

/** The newest version that this build reads. */
export function readsOf(link: LinkDefinition): number {
  return tableOf(link).reads;
}

/** The newest version that this build writes to the outbox. */
export function writesOf(link: LinkDefinition): number {
  return tableOf(link).writes;
}

/** The contract of an event in exactly this version. */
export function contractOf(
  link: LinkDefinition,
  event: string,
  version: number,
): Contract | undefined {
  return tableOf(link)
    .byEvent.get(event)
    ?.find((one) => one.version === version);
}

/** The contract of an event in exactly this version, if this build reads it. */
export function readableContract(
  link: LinkDefinition,
  event: string,
  version: number,
): Contract | undefined {
  return version <= readsOf(link) ? contractOf(link, event, version) : undefined;
}

/** No setting can name a higher one (release.ts): such a number is no version. */
const HIGHEST = 9_999;

/** Whether this is a version of an event of the link that only a later build can read. */
export function isNewer(link: LinkDefinition, event: string, version: number): boolean {
  const isVersion = version > readsOf(link) && version <= HIGHEST;
  return isVersion && tableOf(link).byEvent.has(event);
}

/** Whether this build reads the version that an event is written in. */
export function isReadable(link: LinkDefinition, { event, eventVersion }: WrittenEvent): boolean {
  return readableContract(link, event, eventVersion) !== undefined;
}

/** The contract that an event travels in on a route of this version. */
export function contractAt(
  link: LinkDefinition,
  event: string,
  version: number,
): Contract | undefined {
  return tableOf(link)
    .byEvent.get(event)
    ?.find((one) => one.version <= version);
}

/** The contract that handlers and business code know. */
export function newestContract(link: LinkDefinition, event: string): Contract | undefined {
  return tableOf(link).byEvent.get(event)?.[0];
}

/** The version that an event travels in on a route of this version. */
export function travellingVersion(
  link: LinkDefinition,
  { event, eventVersion }: WrittenEvent,
  route: number,
): number {
  return contractAt(link, event, route)?.version ?? eventVersion;
}

/** The fields that only the owner has and a message lacks, to travel in an older version. */
export function complementOf(
  link: LinkDefinition,
  event: string,
  from: number,
  to: number,
): readonly string[] {
  if (from <= to) return [];
  return [...new Set(stepsBetween(link, event, to, from).flatMap((one) => [...one.complement]))];
}

/**
 * The version whose text both sides hash. It is the one that travels, unless fields of that came
 * from the owner at dispatch: they may differ the next time, so both sides hash what was written,
 * which the consumer gets by mapping what arrived up again.
 */
export function hashedVersion(
  link: LinkDefinition,
  written: WrittenEvent,
  travels: number,
): number {
  const { event, eventVersion } = written;
  if (eventVersion <= travels) return travels;
  return complementOf(link, event, eventVersion, travels).length > 0 ? eventVersion : travels;
}

/** The payload of an event in another version. @throws LinkError NO_MAPPING */
export function mapPayload(
  link: LinkDefinition,
  { event, payload }: { readonly event: string; readonly payload: Payload },
  { from, to, complement }: { from: number; to: number; complement?: Payload },
): Payload {
  if (from === to) return payload;
  if (from < to)
    return stepsBetween(link, event, from, to).reduce((one, step) => step.upcast(one), payload);
  const missing = complementOf(link, event, from, to).filter(
    (field) => !complement || !(field in complement),
  );
  if (missing.length > 0)
    throw new LinkError(
      'NO_MAPPING',
      `${event} v${from} cannot travel as v${to}: the owner no longer has ${missing.join(', ')}`,
    );
  return stepsBetween(link, event, to, from).reduceRight(
    (one, step) => step.downcast(one, complement),
    payload,
  );
}

/**
 * The canonical text of an event in another version.
 * @throws LinkError NO_MAPPING when there is no way there, or what comes out is not valid there
 */
export function textIn(
  link: LinkDefinition,
  { event, eventVersion, body }: WrittenEvent,
  version: number,
  complement?: Payload,
): string {
  if (eventVersion === version) return body;
  const contract = contractOf(link, event, version);
  if (!contract) throw new LinkError('NO_MAPPING', `${link.id} has no ${event} v${version}`);
  const json = JSON.parse(body) as EventJson;
  const direction = { from: eventVersion, to: version, ...(complement ? { complement } : {}) };
  const payload = mapPayload(link, { event, payload: json.payload }, direction);
  const mapped = { ...json, event_version: version, payload };
  const [problem] = contract.findProblems(mapped);
  if (problem)
    throw new LinkError(
      'NO_MAPPING',
      `${event} v${eventVersion} is not valid as v${version}: ${problem.field}: ${problem.message}`,
    );
  return encodeText(contract, mapped);
}

/** The mappings from one version of an event up to a newer one, in order. */
function stepsBetween(
  link: LinkDefinition,
  event: string,
  from: number,
  to: number,
): readonly Mapping[] {
  const steps = (link.mappings ?? [])
    .filter((one) => one.older.event === event)
    .filter((one) => one.older.version >= from && one.newer.version <= to)
    .sort((a, b) => a.older.version - b.older.version);
  const isWhole =
    steps[0]?.older.version === from &&
    steps.at(-1)?.newer.version === to &&
    steps.every((one, i) => i === 0 || steps[i - 1]!.newer.version === one.older.version);
  if (isWhole || from === to) return steps;
  throw new LinkError('NO_MAPPING', `${link.id}: ${event} has no mapping from v${from} to v${to}`);
}
