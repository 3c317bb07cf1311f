/**
 * A small company as its links leave it behind, for the oracle's tests: the databases of five services
 * with their real tables, where everything agrees. A test then damages one thing.
 */
import { randomUUIDv7 } from 'node:crypto';
import type { TestContext } from 'node:test';
import { applyExpand, type DatabaseName } from '../../db/schemaChanges.ts';
import { createDatabase } from '../../dev/servers/databases.ts';
import { type LinkMap, laneOf } from '../../link/link.ts';
import { closePostgres, connectPostgres, type Database } from '../../runtime/postgres.ts';
import { links } from '../../services/links.ts';
import type { Owner } from '../../test/harness/owner.ts';
import { testDatabase } from '../../test/harness/postgres.ts';
import { Told } from '../traffic/history.ts';
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

/** Databases that are filled once, for all tests of a file; each test sees them unspoilt. */
export type Worlds = {
  /** What a test does is rolled back after it, unless the test needs commits. */
  open(t: TestContext, options?: { readonly commits: boolean }): Promise<World>;
};

/** `adminUrl` names a server other than the one all tests share. */
export async function makeWorlds(owner: Owner, adminUrl?: string): Promise<Worlds> {
  const urls = new Map<string, string>();
  for (const name of SERVICES)
    urls.set(name, adminUrl ? await fresh(adminUrl, name) : (await lend(owner, name)).url);
  const tells: Tell[] = [];
  const ids = VERSIONS.map(() => randomUUIDv7()) as [string, string, string];
  const { database, close } = connect(urls);
  const bare = { links, database, ids, tell: (one: Tell) => tells.push(one) };
  for (const [at, id] of ids.entries()) await addManager(bare, id, VERSIONS[at] as number);
  const business = await fillBusiness(bare);
  await close();
  return {
    open: async (t, { commits } = { commits: false }) => {
      const { database, all, close } = connect(urls);
      if (!commits) for (const sql of all) await sql.unsafe('begin');
      t.after(async () => {
        if (!commits) for (const sql of all) await sql.unsafe('rollback');
        await close();
      });
      const told = new Told();
      for (const tell of tells) tell(told);
      return { links, database, told, pulled: new Set<string>(), ids, business };
    },
  };
}

/** One connection to each: what it begins is its own to roll back. */
function connect(urls: ReadonlyMap<string, string>) {
  const databases = new Map<string, Database>();
  for (const [name, url] of urls)
    databases.set(name, connectPostgres(url, { name: 'oracle-test', max: 1 }));
  const all = [...databases.values()];
  return {
    all,
    database: (service: string) => databases.get(service) as Database,
    close: () => Promise.all(all.map(closePostgres)),
  };
}

function lend(owner: Owner, name: DatabaseName) {
  const fill = (url: string) => applyExpand(url, ['link', name]);
  return testDatabase(owner, { name: `oracle_${name}`, fill });
}

async function fresh(adminUrl: string, name: DatabaseName): Promise<string> {
  const url = await createDatabase(adminUrl, name);
  await applyExpand(url, ['link', name]);
  return url;
}

/** Something that a caller was told. */
export type Tell = (told: Told) => void;

export type BareWorld = Pick<World, 'links' | 'database' | 'ids'> & {
  readonly tell: (one: Tell) => void;
};

/** A manager with this many versions, told, closed, arrived in order and replicated. */
async function addManager(world: BareWorld, id: string, versions: number): Promise<void> {
  const { database, tell } = world;
  const names = namesOf(versions);
  const row = { id, version: versions, first_name: names.firstName, last_name: names.lastName };
  await database('assessments')`
    insert into managers ${database('assessments')({ ...row, created_at: NOW, updated_at: NOW })}`;
  for (let version = 1; version <= versions; version++) {
    tell((told) => told.managers.acknowledge(id, BigInt(version), namesOf(version)));
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
  epoch?: number;
};

/** A settled message; answers its hash. Each is a transaction of its own. */
export async function addInboxRow(sql: Database, options: InboxOptions): Promise<number> {
  const { link, key, version, outcome = 'applied', epoch = EPOCH } = options;
  const { receivedAt = new Date() } = options;
  const hash = Math.floor((Math.random() - 0.5) * 2 ** 48);
  await sql`
    insert into relink.inbox
      (event_id, link, lane, epoch, key, version, event_version, hash, outcome, received_at)
    values (${randomUUIDv7()}, ${link}, ${laneOf(key)}, ${epoch}, ${key}, ${version}, 0, ${hash},
      ${outcome}, ${receivedAt.toISOString()})`;
  return hash;
}

/** Receipts closed one more message of the key's lane. */
export async function addClosed(
  owner: Database,
  closed: { link: string; consumer: string; key: string; hash: number; epoch?: number },
): Promise<void> {
  const { link, consumer, key, hash, epoch = EPOCH } = closed;
  await owner`
    insert into relink.closed (leg, lane, epoch, count, sum)
    values (${`${link}/${consumer}`}, ${laneOf(key)}, ${epoch}, 1, ${hash})
    on conflict (leg, lane, epoch) do update
    set count = closed.count + 1, sum = closed.sum + excluded.sum`;
}
