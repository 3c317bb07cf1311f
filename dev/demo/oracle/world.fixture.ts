/**
 * A small world as COMM-010 leaves it behind, for the oracle's tests: an owner's database and two
 * consumers' with the real tables, where everything agrees. A test then damages one thing.
 */
import { randomUUIDv7 } from 'node:crypto';
import type { TestContext } from 'node:test';
import { applyExpand, type DatabaseName } from '../../../db/schemaChanges.ts';
import { laneOf } from '../../../link/link.ts';
import { closePostgres, connectPostgres, type Database } from '../../../runtime/postgres.ts';
import { testDatabase } from '../../../test/harness/postgres.ts';
import { createDatabase } from '../../servers/databases.ts';
import { Told } from '../../traffic/told.ts';

export const LINK = 'COMM-010';
/** The versions of each manager, oldest manager first. */
const VERSIONS = [1, 3, 2];
const EPOCH = 1;

export type World = {
  readonly link: string;
  readonly owner: Database;
  readonly consumers: { readonly hiring: Database; readonly bonuses: Database };
  readonly told: Told;
  /** Managers with 1, 3 and 2 versions. */
  readonly ids: readonly [string, string, string];
};

/** Databases of their own; `adminUrl` names a server other than the one all tests share. */
export async function makeWorld(t: TestContext, adminUrl?: string): Promise<World> {
  const open = async (name: DatabaseName): Promise<Database> => {
    const url = adminUrl ? await fresh(adminUrl, name) : (await lend(t, name)).url;
    const sql = connectPostgres(url, { name: 'oracle-test', max: 2 });
    t.after(() => closePostgres(sql));
    return sql;
  };
  const [owner, hiring, bonuses] = [
    await open('assessments'),
    await open('hiring'),
    await open('bonuses'),
  ];
  const ids = VERSIONS.map(() => randomUUIDv7()) as [string, string, string];
  const world = { link: LINK, owner, consumers: { hiring, bonuses }, told: new Told(), ids };
  for (const [at, id] of ids.entries()) await addManager(world, id, VERSIONS[at] as number);
  return world;
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

/** A manager with this many versions, told, closed, arrived in order and replicated. */
async function addManager(world: World, id: string, versions: number): Promise<void> {
  const { owner, consumers, told } = world;
  const names = namesOf(versions);
  await owner`
    insert into managers (id, version, first_name, last_name, created_at, updated_at)
    values (${id}, ${versions}, ${names.firstName}, ${names.lastName}, now(), now())`;
  for (let version = 1; version <= versions; version++)
    told.acknowledge(id, BigInt(version), namesOf(version));
  for (const [consumer, sql] of Object.entries(consumers)) {
    for (let version = 1; version <= versions; version++) {
      const hash = await addInboxRow(sql, { id, version });
      await addClosed(owner, { consumer, id, hash });
    }
    await sql`
      insert into manager_replicas (id, version, first_name, last_name)
      values (${id}, ${versions}, ${names.firstName}, ${names.lastName})`;
  }
}

export function namesOf(version: number) {
  return { firstName: 'Ada', lastName: `Lovelace ${version}` };
}

type InboxOptions = { id: string; version: number; outcome?: string; receivedAt?: Date };

/** A settled message; answers its hash. Each is a transaction of its own. */
export async function addInboxRow(sql: Database, options: InboxOptions): Promise<number> {
  const { id, version, outcome = 'applied', receivedAt = new Date() } = options;
  const hash = Math.floor((Math.random() - 0.5) * 2 ** 48);
  await sql`
    insert into relink.inbox
      (event_id, link, lane, epoch, key, version, event_version, hash, outcome, received_at)
    values (${randomUUIDv7()}, ${LINK}, ${laneOf(id)}, ${EPOCH}, ${id}, ${version}, 0, ${hash},
      ${outcome}, ${receivedAt.toISOString()})`;
  return hash;
}

/** Receipts closed one more message of the manager's lane. */
export async function addClosed(
  owner: Database,
  closed: { consumer: string; id: string; hash: number },
): Promise<void> {
  await owner`
    insert into relink.closed (leg, lane, epoch, count, sum)
    values (${`${LINK}/${closed.consumer}`}, ${laneOf(closed.id)}, ${EPOCH}, 1, ${closed.hash})
    on conflict (leg, lane, epoch) do update
    set count = closed.count + 1, sum = closed.sum + excluded.sum`;
}
