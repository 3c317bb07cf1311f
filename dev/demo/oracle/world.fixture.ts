/**
 * A small company as its links leave it behind, for the oracle's tests: the databases of five services
 * with their real tables, where everything agrees. A test then damages one thing.
 */
import { randomUUIDv7 } from 'node:crypto';
import type { TestContext } from 'node:test';
import { applyExpand, type DatabaseName } from '../../../db/schemaChanges.ts';
import { type LinkMap, laneOf } from '../../../link/link.ts';
import { closePostgres, connectPostgres, type Database } from '../../../runtime/postgres.ts';
import { links } from '../../../services/links.ts';
import { testDatabase } from '../../../test/harness/postgres.ts';
import { createDatabase } from '../../servers/databases.ts';
import { Told } from '../../traffic/told.ts';
import { type Business, fillBusiness } from './business.fixture.ts';

/** The versions of each manager, oldest manager first. */
const VERSIONS = [1, 3, 2];
const EPOCH = 1;
const SERVICES = ['assessments', 'hiring', 'management', 'bonuses', 'finance'] as const;

export type World = {
  readonly links: LinkMap;
  readonly database: (service: string) => Database;
  readonly told: Told;
  readonly pulled: ReadonlySet<string>;
  /** Managers with 1, 3 and 2 versions. */
  readonly ids: readonly [string, string, string];
  readonly business: Business;
};

/** Databases of their own; `adminUrl` names a server other than the one all tests share. */
export async function makeWorld(t: TestContext, adminUrl?: string): Promise<World> {
  const databases = new Map<string, Database>();
  for (const name of SERVICES) {
    const url = adminUrl ? await fresh(adminUrl, name) : (await lend(t, name)).url;
    const sql = connectPostgres(url, { name: 'oracle-test', max: 2 });
    t.after(() => closePostgres(sql));
    databases.set(name, sql);
  }
  const database = (service: string) => databases.get(service) as Database;
  const ids = VERSIONS.map(() => randomUUIDv7()) as [string, string, string];
  const told = new Told();
  const bare = { links, database, told, pulled: new Set<string>(), ids };
  for (const [at, id] of ids.entries()) await addManager(bare, id, VERSIONS[at] as number);
  return { ...bare, business: await fillBusiness(bare) };
}

function lend(t: TestContext, name: DatabaseName) {
  const fill = (url: string) => applyExpand(url, ['link', name]);
  return testDatabase(t, { name: `oracle_${name}`, fill });
}

async function fresh(adminUrl: string, name: DatabaseName): Promise<string> {
  const url = await createDatabase(adminUrl, name);
  await applyExpand(url, ['link', name]);
  return url;
}

export type BareWorld = Omit<World, 'business'>;

/** A manager with this many versions, told, closed, arrived in order and replicated. */
async function addManager(world: BareWorld, id: string, versions: number): Promise<void> {
  const { database, told } = world;
  const names = namesOf(versions);
  const row = { id, version: versions, first_name: names.firstName, last_name: names.lastName };
  await database('assessments')`
    insert into managers ${database('assessments')({ ...row, created_at: NOW, updated_at: NOW })}`;
  for (let version = 1; version <= versions; version++) {
    told.managers.acknowledge(id, BigInt(version), namesOf(version));
    await carry(world, 'COMM-010', id, version);
  }
  for (const consumer of ['hiring', 'bonuses']) {
    const sql = database(consumer);
    await sql`insert into manager_replicas ${sql(row)}`;
  }
}

const NOW = new Date().toISOString();

export function namesOf(version: number) {
  return { firstName: 'Ada', lastName: `Lovelace ${version}` };
}

/** A message that went the whole way: settled at every consumer and closed. */
export async function carry(
  { database, links }: Pick<World, 'database' | 'links'>,
  link: string,
  key: string,
  version: number,
): Promise<void> {
  const { producer, consumers } = links[link]!;
  for (const consumer of Object.keys(consumers)) {
    const hash = await addInboxRow(database(consumer), { link, key, version });
    await addClosed(database(producer), { link, consumer, key, hash });
  }
}

type InboxOptions = {
  link: string;
  key: string;
  version: number;
  outcome?: string;
  receivedAt?: Date;
};

/** A settled message; answers its hash. Each is a transaction of its own. */
export async function addInboxRow(sql: Database, options: InboxOptions): Promise<number> {
  const { link, key, version, outcome = 'applied', receivedAt = new Date() } = options;
  const hash = Math.floor((Math.random() - 0.5) * 2 ** 48);
  await sql`
    insert into relink.inbox
      (event_id, link, lane, epoch, key, version, event_version, hash, outcome, received_at)
    values (${randomUUIDv7()}, ${link}, ${laneOf(key)}, ${EPOCH}, ${key}, ${version}, 0, ${hash},
      ${outcome}, ${receivedAt.toISOString()})`;
  return hash;
}

/** Receipts closed one more message of the key's lane. */
export async function addClosed(
  owner: Database,
  closed: { link: string; consumer: string; key: string; hash: number },
): Promise<void> {
  const { link, consumer, key, hash } = closed;
  await owner`
    insert into relink.closed (leg, lane, epoch, count, sum)
    values (${`${link}/${consumer}`}, ${laneOf(key)}, ${EPOCH}, 1, ${hash})
    on conflict (leg, lane, epoch) do update
    set count = closed.count + 1, sum = closed.sum + excluded.sum`;
}
