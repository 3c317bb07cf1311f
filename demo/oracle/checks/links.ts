/** Compares both sides of a link; the same for every link. */
import { type LinkDefinition, legOf } from '../../../link/link.ts';
import type { Database } from '../../../runtime/postgres.ts';
import { KNOWN_LINKS, readExpectedMessages, type VersionRange } from '../expectedMessages.ts';
import {
  type Case,
  type Check,
  caseOf,
  checkOf,
  type Finding,
  findingOf,
  formatCount,
} from '../findings.ts';
import {
  countOpen,
  type EffectRow,
  type LaneSum,
  listGivenUp,
  listLateEffects,
  listOpen,
  readArrived,
  readClosed,
  readSettled,
} from '../linkTables.ts';

/** Open messages named in a finding; its count covers all of them. */
const OPEN_EXAMPLES = 20;

/**
 * At each consumer of the link every message arrived, took effect once and in order, and was
 * settled as receipts closed it.
 */
export async function checkLink(sides: LinkSides): Promise<Check> {
  const { link, owner, consumers, wasPulled, effects } = sides;
  const expected = await readExpectedMessages(owner, link.id);
  const findings: Finding[] = [...effects.filter((one) => one.link === link.id)];
  const places: string[] = [];
  for (const [consumer, sql] of Object.entries(consumers)) {
    const leg: LegSides = { link, consumer, owner, sql };
    findings.push(...(await findArrived(leg, expected, wasPulled)));
    const sums = await findSums(leg);
    findings.push(...sums.findings);
    places.push(`${consumer} (${sums.epochs === 1 ? '1 epoch' : `${sums.epochs} epochs`})`);
  }
  const count = [...expected.values()].reduce(
    (sum, { first, last }) => sum + last - first + 1n,
    0n,
  );
  const what = wasPulled ? 'messages sent outside pull' : `${formatCount(count)} messages`;
  return checkOf(`${link.id}: ${what} once and in order at ${places.join(', ')}`, findings);
}

export interface LinkSides {
  readonly link: LinkDefinition;
  readonly owner: Database;
  readonly consumers: Readonly<Record<string, Database>>;
  /** The link was on `pull` for a while: what was written then was not delivered. */
  readonly wasPulled: boolean;
  /** What `findLateEffects` found, for all links. */
  readonly effects: readonly Finding[];
}

interface LegSides {
  readonly link: LinkDefinition;
  readonly consumer: string;
  readonly owner: Database;
  readonly sql: Database;
}

/** Every message that follows from the owner's rows has its inbox row; an event has no other. */
async function findArrived(
  { link, consumer, sql }: LegSides,
  expected: ReadonlyMap<string, VersionRange>,
  wasPulled: boolean,
): Promise<Finding[]> {
  const where = { link: link.id, consumer };
  const arrived = await readArrived(sql, link.id);
  const lost: Case[] = [];
  const extra: Case[] = [];
  if (!wasPulled)
    for (const [key, flow] of expected)
      lost.push(...missing(flow, arrived.get(key)).map((one) => caseOf(key, one)));
  // A backfill repeats the newest state, so links of one entity may carry each other's versions.
  if (link.kind === 'functional')
    for (const [key, versions] of arrived)
      for (const version of versions)
        if (!isOf(expected.get(key), version)) extra.push(caseOf(key, version));
  return [
    findingOf('lost', where, `messages that never took effect at ${consumer}`, lost),
    findingOf('doubled', where, `effects at ${consumer} without a cause`, extra),
  ];
}

function missing(
  { first, last }: VersionRange,
  arrived: ReadonlySet<bigint> = new Set(),
): bigint[] {
  const versions: bigint[] = [];
  for (let version = first; version <= last; version += 1n)
    if (!arrived.has(version)) versions.push(version);
  return versions;
}

function isOf(flow: VersionRange | undefined, version: bigint): boolean {
  return flow !== undefined && version >= flow.first && version <= flow.last;
}

interface Effects {
  readonly links: readonly string[];
  readonly consumer: string;
  readonly sql: Database;
  /**
   * One of the links was on `pull` for a while, so its replica may have been dropped and made
   * again.
   */
  readonly wasPulled: boolean;
}

/**
 * No version of a key took effect twice or after a newer one. Links of one entity are checked
 * together. A replica that was made again is filled, in a new epoch, with versions that its
 * predecessor had.
 */
export async function findLateEffects(effects: Effects): Promise<Finding[]> {
  const { links, consumer, sql, wasPulled } = effects;
  const isFilledAgain = (one: EffectRow) =>
    wasPulled && one.version === one.newestBefore && one.inEpoch === 1;
  const late = (await listLateEffects(sql, links)).filter((one) => !isFilledAgain(one));
  return links.flatMap((link) => {
    const own = late.filter((one) => one.link === link);
    const cases = (some: typeof own) =>
      some.map(({ key, version, writtenMs }) => caseOf(key, version, { writtenMs }));
    const doubled = cases(own.filter((one) => one.version === one.newestBefore));
    const reordered = cases(own.filter((one) => one.version < one.newestBefore));
    const where = { link, consumer };
    return [
      findingOf('doubled', where, `versions that took effect twice at ${consumer}`, doubled),
      findingOf('reordered', where, `versions applied after newer ones at ${consumer}`, reordered),
    ];
  });
}

/** Per lane and epoch, receipts closed what the consumer settled, in number and contents. */
async function findSums({ link, consumer, owner, sql }: LegSides) {
  const where = { link: link.id, consumer };
  const closed = await readClosed(owner, legOf(link.id, consumer));
  const settled = await readSettled(sql, link.id);
  const lost: Case[] = [];
  const doubled: Case[] = [];
  const changed: Case[] = [];
  for (const place of new Set([...closed.keys(), ...settled.keys()])) {
    const [sent, got] = [closed.get(place) ?? NONE, settled.get(place) ?? NONE];
    const difference = Number(sent.count - got.count);
    if (difference > 0) lost.push(caseOf(nameOf(place), 0n, { count: difference }));
    else if (difference < 0) doubled.push(caseOf(nameOf(place), 0n, { count: -difference }));
    else if (sent.sum !== got.sum) changed.push(caseOf(nameOf(place)));
  }
  const findings = [
    findingOf('lost', where, `closed without an inbox row at ${consumer}`, lost),
    findingOf('doubled', where, `settled more often than closed at ${consumer}`, doubled),
    findingOf('changed', where, `settled with different contents at ${consumer}`, changed),
  ];
  return { findings, epochs: new Set([...closed.keys()].map((place) => place.split('/')[1])).size };
}

const NONE: LaneSum = { count: 0n, sum: '0' };

function nameOf(place: string): string {
  const [lane, epoch] = place.split('/');
  return `lane ${lane} epoch ${epoch}`;
}

/** No message is open, parked or dead at any of these services. */
export async function checkLeftovers(services: Readonly<Record<string, Database>>): Promise<Check> {
  const findings: Finding[] = [];
  for (const [service, sql] of Object.entries(services)) {
    findings.push(...(await findOpen(sql)));
    const givenUp = await listGivenUp(sql);
    for (const link of new Set(givenUp.map((one) => one.link))) {
      const own = givenUp.filter((one) => one.link === link);
      const cases = own.map(({ key, version, why }) => caseOf(`${key} (${why})`, version));
      const sentence = `dead or parked messages at ${service}`;
      findings.push(findingOf('leftover', { link, consumer: service }, sentence, cases));
    }
  }
  const count = Object.keys(services).length;
  return checkOf(`no message is open, parked or dead at any of ${count} services`, findings);
}

async function findOpen(sql: Database): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const [leg, count] of await countOpen(sql)) {
    const [link = '', consumer = ''] = leg.split('/');
    const named = await listOpen(sql, leg, OPEN_EXAMPLES);
    const cases = named.map(({ key, version }) => caseOf(key, version));
    if (count > named.length) cases.push(caseOf('others', 0n, { count: count - named.length }));
    findings.push(findingOf('leftover', { link, consumer }, 'the outbox is not empty', cases));
  }
  return findings;
}

/** A link whose expected messages cannot be derived would pass unchecked. */
export function refuseUnknown(links: readonly LinkDefinition[]): void {
  const unknown = links.filter(({ id }) => !KNOWN_LINKS.has(id)).map(({ id }) => id);
  if (unknown.length > 0)
    throw new RangeError(
      `the oracle cannot check ${unknown.join(', ')}: add the link to demo/oracle/expectedMessages.ts`,
    );
}
