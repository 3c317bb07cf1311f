/**
 * Puts aliases in the place of phrases: in the free text that a service declares, and in what the kit
 * keeps of messages that had it. Pages by key and compare-and-set make it safe to repeat, and to be
 * killed at any point. A row is changed where its text is still the one that was read.
 */
import { declareFailpoints, failpoint } from '../../runtime/failpoints.ts';
import type { Database } from '../../runtime/postgres.ts';
import { LinkError } from '../errors.ts';
import { quoted, type TextColumn } from './findTraces.ts';
import { PhraseSearch } from './phrases.ts';
import { type Aliases, replaceIn } from './replaceIn.ts';
import { listSamples, renewSample } from './samples.ts';
import { turns } from './turns.ts';

declareFailpoints('erasing.between-pages');

const ROWS_AT_ONCE = 500;
/** What is open is left to those who redrive or discard it. */
const ENDED = `state <> 'dead'`;

interface Target extends TextColumn {
  /** SQL condition: rows that may be changed. */
  readonly only?: string;
  /** A column that tells rows apart, where that is not the primary key. */
  readonly key?: string;
}

/** Columns of the kit that may hold text of a message, or of a person. */
export const OF_THE_KIT: readonly Target[] = [
  { table: 'relink.dead_letters', column: 'body', only: ENDED },
  { table: 'relink.dead_letters', column: 'detail', only: ENDED },
  { table: 'relink.dead_letters', column: 'headers', only: ENDED },
  { table: 'relink.attempts', column: 'detail' },
  { table: 'relink.shadow_results', column: 'detail' },
  { table: 'relink.history', column: 'body', key: 'event_id' },
  { table: 'relink.skips', column: 'reason' },
];

export interface Replacing {
  readonly salt: string;
  readonly longest: number;
  readonly aliases: Aliases;
  /** Columns of the service that hold free text. */
  readonly freeText: readonly TextColumn[];
}

/** How many rows were changed, by `schema.table.column`. @throws LinkError NOT_MOVABLE */
export async function replacePhrases(
  sql: Database,
  { salt, longest, aliases, freeText }: Replacing,
): Promise<Map<string, number>> {
  const search = new PhraseSearch({ salt, longest, hashes: new Set(aliases.keys()) });
  const replace = (text: string) => replaceIn(text, search, aliases);
  const changed = new Map<string, number>();
  for (const target of [...OF_THE_KIT, ...freeText]) {
    const place = await findPlace(sql, target);
    const rows = await replaceInColumn(sql, place, replace);
    if (rows > 0) changed.set(place.name, rows);
  }
  // Of every table: what others cleaned may still be sampled.
  for (const sample of await listSamples(sql))
    if (search.holds(sample.values)) await renewSample(sql, sample);
  return changed;
}

interface Place extends Omit<Target, 'key'> {
  /** `schema.table.column`. */
  readonly name: string;
  readonly key: string;
  readonly keyType: string;
  readonly type: string;
  /** What rows are locked by: the name of the table alone. */
  readonly relation: string;
}

async function findPlace(sql: Database, target: Target): Promise<Place> {
  const { table, column, key = null } = target;
  const [found] = await sql<Required<Omit<Place, 'table' | 'column' | 'only'>>[]>`
    select concat_ws('.', n.nspname, c.relname, t.attname) as name, k.attname as key,
      format_type(k.atttypid, k.atttypmod) as "keyType", c.relname as relation,
      format_type(t.atttypid, t.atttypmod) as type
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    join pg_attribute t on t.attrelid = c.oid and t.attname = ${column}
    left join pg_index i on i.indrelid = c.oid and i.indisprimary and i.indnkeyatts = 1
    join pg_attribute k on k.attrelid = c.oid
      and (k.attname = ${key} or ${key}::text is null and k.attnum = i.indkey[0])
    where c.oid = to_regclass(${table})`;
  if (found) return { ...target, ...found };
  const what = `free text ${table}.${column} cannot be changed`;
  throw new LinkError('NOT_MOVABLE', `${what}: no such column, or no primary key of one column`);
}

type Replace = (text: string) => string;
type GiveWay = ReturnType<typeof turns>;

async function replaceInColumn(sql: Database, place: Place, replace: Replace): Promise<number> {
  const giveWay = turns();
  let changed = 0;
  for (let after: string | null = null; ; ) {
    const rows: Row[] = await readRows(sql, place, after);
    changed += await replaceInRows(sql, place, await withChanges(rows, replace, giveWay), replace);
    if (rows.length < ROWS_AT_ONCE) return changed;
    after = rows.at(-1)!.key;
    await failpoint('erasing.between-pages');
  }
}

interface Row {
  readonly key: string;
  readonly text: string;
}

function readRows(sql: Database, place: Place, after: string | null): Promise<Row[]> {
  const { table, column, key, keyType, only = 'true' } = place;
  return sql<Row[]>`
    select ${sql(key)}::text as key, ${sql(column)}::text as text from ${sql(table)}
    where ${sql.unsafe(only)} and ${sql(column)} is not null
      and (${after}::text is null or ${sql(key)} > ${after}::text::${sql.unsafe(keyType)})
    order by ${sql(table)}.${sql(key)} limit ${ROWS_AT_ONCE}`;
}

interface Change extends Row {
  readonly replaced: string;
}

async function withChanges(
  rows: readonly Row[],
  replace: Replace,
  giveWay: GiveWay,
): Promise<Change[]> {
  const changes: Change[] = [];
  for (const row of rows) {
    const replaced = replace(row.text);
    if (replaced !== row.text) changes.push({ ...row, replaced });
    await giveWay();
  }
  return changes;
}

/** Answers how many rows it changed. What was locked or changed meanwhile is seen to row by row. */
async function replaceInRows(
  sql: Database,
  place: Place,
  changes: readonly Change[],
  replace: Replace,
): Promise<number> {
  if (changes.length === 0) return 0;
  const done = await updateUnlocked(sql, place, changes);
  const isDone = new Set(done.map(({ key }) => key));
  let changed = done.length;
  for (const change of changes.filter(({ key }) => !isDone.has(key)))
    changed += await replaceInRow(sql, place, change, replace);
  return changed;
}

/** One statement for a page, which waits for nobody while it holds rows that others need. */
function updateUnlocked(sql: Database, place: Place, changes: readonly Change[]) {
  const { table, column, key, keyType, type, relation, only = 'true' } = place;
  const all = (of: keyof Change) => sql`${changes.map((one) => one[of])}::text[]`;
  return sql<{ key: string }[]>`
    with free as (
      select ${sql(key)} as free_key, given_key, old_text, new_text
      from unnest(${all('key')}, ${all('text')}, ${all('replaced')}) given (given_key, old_text, new_text)
      join ${sql(table)} on ${sql(key)} = given_key::${sql.unsafe(keyType)}
      where ${sql(column)}::text = old_text and ${sql.unsafe(only)}
      for no key update of ${sql.unsafe(quoted([relation]))} skip locked)
    update ${sql(table)} set ${sql(column)} = new_text::${sql.unsafe(type)} from free
    where ${sql(key)} = free_key and ${sql(column)}::text = old_text and ${sql.unsafe(only)}
    returning given_key as key`;
}

/** Waits for who has locked the row, and reads again what somebody changed. */
async function replaceInRow(
  sql: Database,
  place: Place,
  { key, text }: Row,
  replace: Replace,
): Promise<number> {
  const replaced = replace(text);
  if (replaced === text) return 0;
  const { table, column, only = 'true', keyType, type } = place;
  const isRow = sql`${sql(place.key)} = ${key}::text::${sql.unsafe(keyType)}`;
  const { count } = await sql`
    update ${sql(table)} set ${sql(column)} = ${replaced}::text::${sql.unsafe(type)}
    where ${isRow} and ${sql(column)}::text = ${text} and ${sql.unsafe(only)}`;
  if (count > 0) return count;
  const [now] = await sql<Row[]>`
    select ${key} as key, ${sql(column)}::text as text from ${sql(table)}
    where ${isRow} and ${sql(column)} is not null and ${sql.unsafe(only)}`;
  return now && now.text !== text ? replaceInRow(sql, place, now, replace) : 0;
}
