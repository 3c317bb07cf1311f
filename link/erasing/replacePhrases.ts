/**
 * Puts aliases in the place of phrases: in the free text that a service declares, and in what the kit
 * keeps of messages that had it. Pages by key and compare-and-set make it safe to repeat, and to be
 * killed at any point. A row is changed where its text is still the one that was read.
 */
import { declareFailpoints, failpoint } from '../../runtime/failpoints.ts';
import type { Database } from '../../runtime/postgres.ts';
import { LinkError } from '../errors.ts';
import type { TextColumn } from './findTraces.ts';
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

const OF_THE_KIT: readonly Target[] = [
  { table: 'relink.dead_letters', column: 'body', only: ENDED },
  { table: 'relink.dead_letters', column: 'detail', only: ENDED },
  { table: 'relink.attempts', column: 'detail' },
  { table: 'relink.shadow_results', column: 'detail' },
  { table: 'relink.history', column: 'body', key: 'event_id' },
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
}

async function findPlace(sql: Database, target: Target): Promise<Place> {
  const { table, column, key = null } = target;
  const [found] = await sql<Pick<Place, 'name' | 'key' | 'keyType'>[]>`
    select concat_ws('.', n.nspname, c.relname, t.attname) as name, k.attname as key,
      format_type(k.atttypid, k.atttypmod) as "keyType"
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

async function replaceInColumn(sql: Database, place: Place, replace: Replace): Promise<number> {
  const giveWay = turns();
  let changed = 0;
  for (let after: string | null = null; ; ) {
    const rows: Row[] = await readRows(sql, place, after);
    for (const row of rows) {
      changed += await replaceInRow(sql, place, row, replace);
      await giveWay();
    }
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
    select ${sql(key)}::text as key, ${sql(column)} as text from ${sql(table)}
    where ${sql.unsafe(only)} and ${sql(column)} is not null
      and (${after}::text is null or ${sql(key)} > ${after}::text::${sql.unsafe(keyType)})
    order by ${sql(table)}.${sql(key)} limit ${ROWS_AT_ONCE}`;
}

/** Answers how many rows it changed. One that somebody changed meanwhile is read again. */
async function replaceInRow(
  sql: Database,
  place: Place,
  { key, text }: Row,
  replace: Replace,
): Promise<number> {
  const replaced = replace(text);
  if (replaced === text) return 0;
  const { table, column, only = 'true', keyType } = place;
  const isRow = sql`${sql(place.key)} = ${key}::text::${sql.unsafe(keyType)}`;
  const { count } = await sql`
    update ${sql(table)} set ${sql(column)} = ${replaced}
    where ${isRow} and ${sql(column)} = ${text} and ${sql.unsafe(only)}`;
  if (count > 0) return count;
  const [now] = await sql<Row[]>`
    select ${key} as key, ${sql(column)} as text from ${sql(table)}
    where ${isRow} and ${sql(column)} is not null and ${sql.unsafe(only)}`;
  return now && now.text !== text ? replaceInRow(sql, place, now, replace) : 0;
}
