/** Once COMM-010 carries nicknames for good, nobody on the candidates' side has a manager's name. */
import type { Database } from '../../../runtime/postgres.ts';
import { type Case, type Check, caseOf, checkOf, findingOf, formatCount } from '../findings.ts';

const LINK = 'COMM-010';
/** Every service but the owner: what a candidate may get to see comes from there. */
const SERVICES = ['hiring', 'bonuses', 'management', 'finance'];
/** The traffic gives each manager a last name with a number that no other person has. */
const LAST_NAME = /[\p{L}’]+ \d{1,6}(?!\d)/gu;

/** Whether the replicas have given up their names: then there is something to check. */
export async function haveNamesGone(database: (service: string) => Database): Promise<boolean> {
  for (const service of ['hiring', 'bonuses']) {
    const columns = await database(service)`
      select from information_schema.columns
      where table_name = 'manager_replicas' and column_name = 'last_name'`;
    if (columns.length > 0) return false;
  }
  return true;
}

/** Every text of every table, read without the product's own search. */
export async function checkNames(database: (service: string) => Database): Promise<Check> {
  const owned = await database('assessments')<{ name: string }[]>`
    select last_name as name from managers`;
  const names = new Set(owned.map(({ name }) => name));
  const findings = [];
  for (const consumer of SERVICES) {
    const cases = await findNames(database(consumer), names);
    const sentence = `rows of ${consumer} that name a manager`;
    findings.push(findingOf('leftover', { link: LINK, consumer }, sentence, cases));
  }
  const claim = `no name of ${formatCount(names.size)} managers is at any of ${SERVICES.length} other services`;
  return checkOf(claim, findings);
}

async function findNames(sql: Database, names: ReadonlySet<string>): Promise<Case[]> {
  const tables = await sql<{ schema: string; name: string }[]>`
    select schemaname as schema, tablename as name from pg_tables
    where schemaname not in ('pg_catalog', 'information_schema')`;
  const cases: Case[] = [];
  for (const { schema, name } of tables) {
    const rows = await sql<{ text: string }[]>`
      select t::text as text from ${sql(schema)}.${sql(name)} t`;
    const naming = rows.filter(({ text }) =>
      (text.match(LAST_NAME) ?? []).some((one) => names.has(one)),
    );
    if (naming.length > 0) cases.push(caseOf(`${schema}.${name}`, 0n, { count: naming.length }));
  }
  return cases;
}
