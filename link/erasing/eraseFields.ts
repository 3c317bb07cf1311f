/**
 * Removes from the kit's tables what messages had in older contract versions and a newer one lacks.
 * Pages and compare-and-set make it safe to repeat, and to be killed at any point. The tables are
 * analysed in the end: the planner keeps samples of their values.
 */
import type { Database } from '../../runtime/postgres.ts';
import { LinkError } from '../errors.ts';
import { isUuid } from '../inbox/delivery.ts';
import { type LinkDefinition, legsOf } from '../link.ts';
import { allContracts, contractAt, readsOf } from '../versions.ts';
import { erasedBody } from './erasedBody.ts';

/** Each in one short transaction. */
const LETTERS_AT_ONCE = 500;
/** In the place of a detail, which may quote a value. */
export const ERASED = 'erased';
const TABLES = ['outbox', 'history', 'parked', 'dead_letters', 'attempts', 'shadow_results'];

export interface Erased {
  /** How many rows were changed, by table. */
  readonly changed: Readonly<Record<string, number>>;
  /** How many rows in older versions still hold a body, by table: somebody changed or added them meanwhile. */
  readonly left: Readonly<Record<string, number>>;
}

/** @throws LinkError NOT_MOVABLE */
export async function eraseFields(
  sql: Database,
  link: LinkDefinition,
  version: number,
): Promise<Erased> {
  refuseUnread(link, version);
  await refuseCarried(sql, link, version);
  await refuseOpen(sql, link, version);
  const changed = {
    dead_letters: await eraseLetters(sql, link, version),
    history: await forgetClosed(sql, link, version),
    attempts: await eraseDetails(sql, link, 'attempts'),
    shadow_results: await eraseDetails(sql, link, 'shadow_results'),
  };
  for (const table of TABLES) await sql`analyze ${sql(`relink.${table}`)}`;
  return { changed, left: await countOlder(sql, link, version) };
}

function refuseUnread(link: LinkDefinition, version: number): void {
  const newest = readsOf(link);
  if (version > newest)
    throw refusal(
      `this build reads no v${version} of ${link.id}, its newest is v${newest}; nothing was erased`,
    );
}

/** Only the producer knows: a consumer has no routes. */
async function refuseCarried(sql: Database, link: LinkDefinition, version: number): Promise<void> {
  const [route] = await olderRoutes(sql, link, version);
  if (route)
    throw refusal(
      `${route.leg} has lanes at v${route.version}, which v${version} would erase; move the whole link to v${version} first`,
    );
}

/** Of any lane of any leg: what it was told to carry, and what it still carries. */
function olderRoutes(sql: Database, link: LinkDefinition, version: number) {
  return sql<{ leg: string; version: number }[]>`
    select leg, least(version, adopted_version) as version from relink.routes
    where leg = any(${legsOf(link)}) and least(version, adopted_version) < ${version}
    order by leg, lane limit 1`;
}

/** Each event of the link, with the version that it has in that of the link. */
function versionsAt(link: LinkDefinition, version: number) {
  const events = [...new Set(allContracts(link).map(({ event }) => event))];
  const wanted = events.map((event) => contractAt(link, event, version)?.version ?? 0);
  return { events, wanted };
}

/**
 * What a consumer may lose later cannot be sent again with fields that nobody may have any more. A route
 * that went back meanwhile keeps it.
 */
async function forgetClosed(sql: Database, link: LinkDefinition, version: number): Promise<number> {
  const { events, wanted } = versionsAt(link, version);
  const { count } = await sql`
    delete from relink.history h using unnest(${events}::text[], ${wanted}::int[]) w(event, version)
    where h.leg = any(${legsOf(link)}) and h.event = w.event and h.event_version < w.version
      and not exists (${olderRoutes(sql, link, version)})`;
  return count;
}

async function refuseOpen(sql: Database, link: LinkDefinition, version: number): Promise<void> {
  const { outbox, parked } = await countOlder(sql, link, version);
  for (const [table, count] of Object.entries({ outbox, parked }))
    if (count > 0)
      throw refusal(
        `${count} messages of ${link.id} are in relink.${table} in versions before v${version}; wait until they are settled`,
      );
}

/** Rows in versions before this one; of dead letters those that have a body. */
export async function countOlder(sql: Database, link: LinkDefinition, version: number) {
  const { events, wanted } = versionsAt(link, version);
  const [older] = await sql<
    { outbox: number; parked: number; history: number; dead_letters: number }[]
  >`
    with wanted as (select * from unnest(${events}::text[], ${wanted}::int[]) w(event, version))
    select (select count(*)::int from relink.outbox o join wanted w on w.event = o.event
        where leg = any(${legsOf(link)}) and event_version < w.version) as outbox,
      (select count(*)::int from relink.parked p join wanted w on w.event = delivery ->> 'event'
        where link = ${link.id} and (delivery ->> 'eventVersion')::int < w.version) as parked,
      (select count(*)::int from relink.history h join wanted w on w.event = h.event
        where leg = any(${legsOf(link)}) and event_version < w.version) as history,
      (select count(*)::int from relink.dead_letters d join wanted w on w.event = d.event
        where link = ${link.id} and event_version < w.version and body <> '') as dead_letters`;
  return { ...older! };
}

interface Letter {
  readonly id: string;
  readonly event: string;
  readonly eventVersion: number;
  readonly state: string;
  readonly detail: string;
  readonly body: string;
  readonly revision: number;
  readonly hasHeaders: boolean;
}

async function eraseLetters(sql: Database, link: LinkDefinition, version: number) {
  let changed = 0;
  for (let after = ''; ; ) {
    const letters = await readLetters(sql, link.id, after);
    changed += await saveLetters(sql, erasedLetters(link, version, letters));
    if (letters.length < LETTERS_AT_ONCE) return changed;
    after = letters.at(-1)!.id;
  }
}

function readLetters(sql: Database, link: string, after: string): Promise<Letter[]> {
  return sql<Letter[]>`
    select id, event, event_version as "eventVersion", state, detail, body, revision,
      headers <> '{}' as "hasHeaders"
    from relink.dead_letters
    where link = ${link} and (${isUuid(after) ? after : null}::uuid is null or id > ${after || null}::uuid)
    order by id limit ${LETTERS_AT_ONCE}`;
}

/** Those that have to change, as they are to be. */
function erasedLetters(
  link: LinkDefinition,
  version: number,
  letters: readonly Letter[],
): Letter[] {
  const isErased = (now: Letter, then: Letter) =>
    now.body === then.body &&
    (then.state === 'dead' || (then.detail === ERASED && !then.hasHeaders));
  const erased = letters.map((one) => ({ ...one, ...erasedBody(link, one, version) }));
  const changed = erased.filter((one, i) => !isErased(one, letters[i]!));
  const open = changed.find(({ state }) => state === 'dead');
  if (!open) return changed;
  throw refusal(
    `dead letter ${open.id} of ${link.id} holds what v${version} lacks, or fits no contract; redrive or discard it`,
  );
}

/** Answers how many rows it changed. A letter that somebody changed meanwhile is left to the next call. */
async function saveLetters(sql: Database, letters: readonly Letter[]): Promise<number> {
  if (letters.length === 0) return 0;
  const all = (of: keyof Letter) => sql`${letters.map((one) => String(one[of]))}::text[]`;
  const { count } = await sql`
    update relink.dead_letters d set body = g.body, event_version = g.event_version::int,
      detail = ${ERASED}, headers = '{}', revision = d.revision + 1
    from unnest(${all('id')}, ${all('revision')}, ${all('body')}, ${all('eventVersion')})
      g (id, revision, body, event_version)
    where d.id = g.id::uuid and d.revision = g.revision::int`;
  return count;
}

/** What failed is settled or forgotten by now: the reason alone may quote a value. */
async function eraseDetails(sql: Database, link: LinkDefinition, table: string): Promise<number> {
  const { count } = await sql`
    update ${sql(`relink.${table}`)} set detail = ${ERASED}
    where link = ${link.id} and detail not in ('', ${ERASED})`;
  return count;
}

function refusal(what: string): LinkError {
  return new LinkError('NOT_MOVABLE', what);
}
