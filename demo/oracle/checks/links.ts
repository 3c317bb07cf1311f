/** The oracle's comparisons of both sides of a link, the same for every link. */
import { type LinkDefinition, legOf } from '../../../link/link.ts';
import type { Database } from '../../../runtime/postgres.ts';
import { type Flow, KNOWN_FLOWS, readFlows } from '../expectedMessages.ts';
import { type Case, type Check, caseOf, checkOf, type Finding, found, say } from '../findings.ts';
import {
  countOpen,
  type EffectRow,
  listGivenUp,
  listLateEffects,
  listOpen,
  readArrived,
  readClosed,
  readSettled,
  type Side,
} from '../linkTables.ts';

/** Open messages that are named; the count is of all. */
const OPEN_EXAMPLES = 20;

/**
 * One link as a whole: every message arrived, took effect once and in order, and was closed as it was
 * settled, at each consumer.
 */
export async function checkLink(sides: LinkSides): Promise<Check> {
  const { link, owner, consumers, wasPulled, effects } = sides;
  const flows = await readFlows(owner, link.id);
  const findings: Finding[] = [...effects.filter((one) => one.link === link.id)];
  const places: string[] = [];
  for (const [consumer, sql] of Object.entries(consumers)) {
    const leg: LegSides = { link, consumer, owner, sql };
    findings.push(...(await findArrived(leg, flows, wasPulled)));
    const sums = await findSums(leg);
    findings.push(...sums.findings);
    places.push(`${consumer} (${sums.epochs === 1 ? '1 epoch' : `${sums.epochs} epochs`})`);
  }
  const count = [...flows.values()].reduce((sum, { first, last }) => sum + last - first + 1n, 0n);
  const what = wasPulled ? 'what was sent outside pull' : `${say(count)} messages`;
  return checkOf(`${link.id}: ${what} once and in order at ${places.join(', ')}`, findings);
}

export type LinkSides = {
  readonly link: LinkDefinition;
  readonly owner: Database;
  readonly consumers: Readonly<Record<string, Database>>;
  /** The link went by `pull` meanwhile: what was written then was not delivered. */
  readonly wasPulled: boolean;
  /** What `findLateEffects` found, of all links. */
  readonly effects: readonly Finding[];
};

type LegSides = {
  readonly link: LinkDefinition;
  readonly consumer: string;
  readonly owner: Database;
  readonly sql: Database;
};

/** Every message that the owner's rows tell of has its inbox row, and an event no other. */
async function findArrived(
  { link, consumer, sql }: LegSides,
  flows: ReadonlyMap<string, Flow>,
  wasPulled: boolean,
): Promise<Finding[]> {
  const where = { link: link.id, consumer };
  const arrived = await readArrived(sql, link.id);
  const lost: Case[] = [];
  const extra: Case[] = [];
  if (!wasPulled)
    for (const [key, flow] of flows)
      lost.push(...missing(flow, arrived.get(key)).map((one) => caseOf(key, one)));
  // A backfill repeats the newest state, so links of one entity may carry each other's versions.
  if (link.kind === 'functional')
    for (const [key, versions] of arrived)
      for (const version of versions)
        if (!isOf(flows.get(key), version)) extra.push(caseOf(key, version));
  return [
    found('lost', where, `messages that never took effect at ${consumer}`, lost),
    found('doubled', where, `effects at ${consumer} that nothing caused`, extra),
  ];
}

function missing({ first, last }: Flow, arrived: ReadonlySet<bigint> = new Set()): bigint[] {
  const versions: bigint[] = [];
  for (let version = first; version <= last; version += 1n)
    if (!arrived.has(version)) versions.push(version);
  return versions;
}

function isOf(flow: Flow | undefined, version: bigint): boolean {
  return flow !== undefined && version >= flow.first && version <= flow.last;
}

type Effects = {
  readonly links: readonly string[];
  readonly consumer: string;
  readonly sql: Database;
  /** A link of these went by `pull` meanwhile, when its replica may have been dropped and made again. */
  readonly wasPulled: boolean;
};

/**
 * No version of a key took effect twice, none after a newer one. Links of one entity go together. A
 * replica that was made again is filled with versions that its predecessor had, under a new epoch.
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
      found('doubled', where, `versions that took effect twice at ${consumer}`, doubled),
      found('reordered', where, `versions applied after newer ones at ${consumer}`, reordered),
    ];
  });
}

/** Per lane and epoch: what receipts closed is what the consumer settled, in number and contents. */
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
    found('lost', where, `closed without an inbox row at ${consumer}`, lost),
    found('doubled', where, `settled more often than closed at ${consumer}`, doubled),
    found('changed', where, `settled with other contents at ${consumer}`, changed),
  ];
  return { findings, epochs: new Set([...closed.keys()].map((place) => place.split('/')[1])).size };
}

const NONE: Side = { count: 0n, sum: '0' };

function nameOf(place: string): string {
  const [lane, epoch] = place.split('/');
  return `lane ${lane} epoch ${epoch}`;
}

/** Nothing is open, parked or given up, of any link of these services. */
export async function checkLeftovers(services: Readonly<Record<string, Database>>): Promise<Check> {
  const findings: Finding[] = [];
  for (const [service, sql] of Object.entries(services)) {
    findings.push(...(await findOpen(sql)));
    const givenUp = await listGivenUp(sql);
    for (const link of new Set(givenUp.map((one) => one.link))) {
      const own = givenUp.filter((one) => one.link === link);
      const cases = own.map(({ key, version, why }) => caseOf(`${key} (${why})`, version));
      const sentence = `messages that ${service} gave up or parked`;
      findings.push(found('leftover', { link, consumer: service }, sentence, cases));
    }
  }
  const count = Object.keys(services).length;
  return checkOf(`no message is open, parked or given up at any of ${count} services`, findings);
}

async function findOpen(sql: Database): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const [leg, count] of await countOpen(sql)) {
    const [link = '', consumer = ''] = leg.split('/');
    const named = await listOpen(sql, leg, OPEN_EXAMPLES);
    const cases = named.map(({ key, version }) => caseOf(key, version));
    if (count > named.length) cases.push(caseOf('others', 0n, { count: count - named.length }));
    findings.push(found('leftover', { link, consumer }, 'the outbox is not empty', cases));
  }
  return findings;
}

/** Links that the oracle has no rows for would be believed unseen. */
export function refuseUnknown(links: readonly LinkDefinition[]): void {
  const unknown = links.filter(({ id }) => !KNOWN_FLOWS.has(id)).map(({ id }) => id);
  if (unknown.length > 0)
    throw new RangeError(`flows.ts does not say what ${unknown.join(', ')} must carry`);
}
