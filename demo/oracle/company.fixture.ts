/**
 * A small company as its links leave it behind, for the oracle's tests: five databases with the
 * real tables, where everything agrees. A test then damages one thing.
 */
import { randomUUIDv7 } from 'node:crypto';
import type { TestContext } from 'node:test';
import { applyExpand, type DatabaseName } from '../../db/schemaChanges.ts';
import { createDatabase } from '../../dev/servers/databases.ts';
import type { LinkMap } from '../../link/link.ts';
import { closePostgres, connectPostgres, type Database } from '../../runtime/postgres.ts';
import { links } from '../../services/links.ts';
import type { Owner } from '../../test/harness/owner.ts';
import { testDatabase } from '../../test/harness/postgres.ts';
import { History } from '../traffic/history.ts';
import { type Business, fillBusiness } from './business.fixture.ts';
import { type Answer, carry, type EmptyCompany } from './messages.fixture.ts';

/** The versions of each manager, oldest manager first. */
const VERSIONS = [1, 3, 2];
const SERVICES = ['assessments', 'hiring', 'management', 'bonuses', 'finance'] as const;

export interface Company {
  readonly links: LinkMap;
  readonly database: (service: string) => Database;
  readonly history: History;
  readonly pulled: ReadonlySet<string>;
  /** Managers with 1, 3 and 2 versions. */
  readonly ids: readonly [string, string, string];
  readonly business: Business;
}

/** Databases that are filled once, for all tests of a file; each test sees them undamaged. */
export interface Companies {
  /** A test's changes are rolled back after it, unless it needs commits. */
  open(t: TestContext, options?: { readonly commits: boolean }): Promise<Company>;
}

/** `adminUrl` names a server to use instead of the one that all tests share. */
export async function makeCompanies(owner: Owner, adminUrl?: string): Promise<Companies> {
  const urls = new Map<string, string>();
  for (const name of SERVICES)
    urls.set(name, adminUrl ? await fresh(adminUrl, name) : (await borrow(owner, name)).url);
  const answers: Answer[] = [];
  const ids = VERSIONS.map(() => randomUUIDv7()) as [string, string, string];
  const { database, close } = connect(urls);
  const empty = { links, database, ids, record: (answer: Answer) => answers.push(answer) };
  for (const [at, id] of ids.entries()) await addManager(empty, id, VERSIONS[at] as number);
  const business = await fillBusiness(empty);
  await close();
  return {
    open: async (t, { commits } = { commits: false }) => {
      const { database, all, close } = connect(urls);
      if (!commits) for (const sql of all) await sql.unsafe('begin');
      t.after(async () => {
        if (!commits) for (const sql of all) await sql.unsafe('rollback');
        await close();
      });
      const history = new History();
      for (const answer of answers) answer(history);
      return { links, database, history, pulled: new Set<string>(), ids, business };
    },
  };
}

/** One connection per database, so that a transaction covers everything that a test does. */
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

function borrow(owner: Owner, name: DatabaseName) {
  const fill = (url: string) => applyExpand(url, ['link', name]);
  return testDatabase(owner, { name: `oracle_${name}`, fill });
}

async function fresh(adminUrl: string, name: DatabaseName): Promise<string> {
  const url = await createDatabase(adminUrl, name);
  await applyExpand(url, ['link', name]);
  return url;
}

/** A manager with this many versions: acknowledged, delivered in order, closed and replicated. */
async function addManager(company: EmptyCompany, id: string, versions: number): Promise<void> {
  const { database, record } = company;
  const names = namesOf(versions);
  const row = { id, version: versions, first_name: names.firstName, last_name: names.lastName };
  await database('assessments')`
    insert into managers ${database('assessments')({ ...row, created_at: NOW, updated_at: NOW })}`;
  for (let version = 1; version <= versions; version++) {
    record((history) => history.managers.acknowledge(id, BigInt(version), namesOf(version)));
    await carry(company, 'COMM-010', id, version);
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
