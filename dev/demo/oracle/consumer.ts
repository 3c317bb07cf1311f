/** The oracle's comparisons of one consumer with the owner. oracle.ts says what they prove. */
import { legOf } from '../../../link/link.ts';
import type { Database } from '../../../runtime/postgres.ts';
import { type Case, type Check, caseOf, checkOf, type Damage, type Finding } from './findings.ts';
import {
  listGivenUp,
  listLateEffects,
  listVersions,
  type ManagerRow,
  readArrivedVersions,
  readClosed,
  readManagers,
  readSettled,
  type Side,
} from './tables.ts';

export type ConsumerSides = {
  readonly link: string;
  readonly owner: Database;
  readonly consumer: string;
  readonly sql: Database;
  /** The owner's rows. */
  readonly managers: ReadonlyMap<string, ManagerRow>;
};

/** Every row of the owner is in the replica table as it is, and no other. */
export async function checkReplicas({ consumer, sql, managers }: ConsumerSides): Promise<Check> {
  const replicas = await readManagers(sql, 'manager_replicas');
  const lost: Case[] = [];
  const changed: Case[] = [];
  const extra: Case[] = [];
  for (const { id, version, firstName, lastName } of managers.values()) {
    const replica = replicas.get(id);
    if (!replica || replica.version < version) lost.push(caseOf(id, version));
    else if (replica.version > version) changed.push(caseOf(id, replica.version));
    else if (replica.firstName !== firstName || replica.lastName !== lastName)
      changed.push(caseOf(id, version));
  }
  for (const { id, version } of replicas.values())
    if (!managers.has(id)) extra.push(caseOf(id, version));
  const count = managers.size.toLocaleString('en');
  return checkOf(`${count} managers are equal in assessments and ${consumer}`, [
    found('lost', consumer, `rows that ${consumer} lacks or has older`, lost),
    found('changed', consumer, `rows that are different in ${consumer}`, changed),
    found('doubled', consumer, `rows of ${consumer} that nobody owns`, extra),
  ]);
}

/** Every version of every manager has its inbox row; nothing was given up. */
export async function checkArrived(sides: ConsumerSides): Promise<Check> {
  const { link, sql, consumer, managers } = sides;
  const arrived = await readArrivedVersions(sql, link);
  const short = [...managers.values()].filter(({ id, version }) => {
    const row = arrived.get(id);
    return !row || row.versions < version || row.newest !== version;
  });
  const lost = await nameMissing(sides, short);
  const messages = [...managers.values()].reduce((sum, { version }) => sum + version, 0n);
  const givenUp = await listGivenUp(sql, link);
  const left = givenUp.map(({ key, version, why }) => caseOf(`${key} (${why})`, version));
  return checkOf(`${messages.toLocaleString('en')} changes arrived at ${consumer}`, [
    found('lost', consumer, `changes that never took effect at ${consumer}`, lost),
    found('leftover', consumer, `messages that ${consumer} gave up or parked`, left),
  ]);
}

async function nameMissing(sides: ConsumerSides, short: readonly ManagerRow[]): Promise<Case[]> {
  if (short.length === 0) return [];
  const { sql, link } = sides;
  const ids = short.map(({ id }) => id);
  const versions = await listVersions(sql, link, ids);
  return short.flatMap(({ id, version }) =>
    Array.from({ length: Number(version) }, (_, i) => BigInt(i + 1))
      .filter((one) => !versions.get(id)?.has(one))
      .map((one) => caseOf(id, one)),
  );
}

/** No version of a manager took effect twice, none after a newer one. */
export async function checkEffects({ link, consumer, sql }: ConsumerSides): Promise<Check> {
  const late = await listLateEffects(sql, link);
  const cases = (some: typeof late) =>
    some.map(({ key, version, writtenMs }) => caseOf(key, version, { writtenMs }));
  const doubled = cases(late.filter(({ version, newestBefore }) => version === newestBefore));
  const reordered = cases(late.filter(({ version, newestBefore }) => version < newestBefore));
  return checkOf(`effects at ${consumer} are single and in order`, [
    found('doubled', consumer, `versions that took effect twice at ${consumer}`, doubled),
    found('reordered', consumer, `versions applied after newer ones at ${consumer}`, reordered),
  ]);
}

/** Per lane and epoch: what receipts closed is what the consumer settled, in number and contents. */
export async function checkSums({ link, owner, consumer, sql }: ConsumerSides): Promise<Check> {
  const closed = await readClosed(owner, legOf(link, consumer));
  const settled = await readSettled(sql, link);
  const lost: Case[] = [];
  const doubled: Case[] = [];
  const changed: Case[] = [];
  for (const place of new Set([...closed.keys(), ...settled.keys()])) {
    const [sent, got] = [closed.get(place) ?? NONE, settled.get(place) ?? NONE];
    const missing = Number(sent.count - got.count);
    if (missing > 0) lost.push(caseOf(nameOf(place), 0n, { count: missing }));
    else if (missing < 0) doubled.push(caseOf(nameOf(place), 0n, { count: -missing }));
    else if (sent.sum !== got.sum) changed.push(caseOf(nameOf(place), 0n));
  }
  const epochs = new Set([...closed.keys()].map((place) => place.split('/')[1]));
  const span = epochs.size === 1 ? '1 epoch' : `${epochs.size} epochs`;
  return checkOf(`what receipts closed is what ${consumer} settled (${span})`, [
    found('lost', consumer, `closed without an inbox row at ${consumer}`, lost),
    found('doubled', consumer, `settled more often than closed at ${consumer}`, doubled),
    found('changed', consumer, `settled with other contents at ${consumer}`, changed),
  ]);
}

const NONE: Side = { count: 0n, sum: '0' };

function nameOf(place: string): string {
  const [lane, epoch] = place.split('/');
  return `lane ${lane} epoch ${epoch}`;
}

function found(
  damage: Damage,
  consumer: string,
  sentence: string,
  cases: readonly Case[],
): Finding {
  return { damage, consumer, sentence, cases };
}
