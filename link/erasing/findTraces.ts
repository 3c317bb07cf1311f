/** Looks for phrases in every text of a database, table by table, and answers where, never what. */
import type { Database } from '../../runtime/postgres.ts';
import { type Column, listTables, qualified, type Table } from './columns.ts';
import { PhraseSearch } from './phrases.ts';
import { listSamples } from './samples.ts';
import { turns } from './turns.ts';

export interface TextColumn {
  readonly table: string;
  readonly column: string;
}

export interface Sought {
  readonly salt: string;
  /** See `hashPhrase`. */
  readonly hashes: ReadonlySet<string>;
  /** The most words that a phrase has. */
  readonly longest: number;
}

/** What a service says of its own database. */
export interface Ground {
  /** Fields that were taken away: a column of that name is a place. */
  readonly fields: readonly string[];
  /** The tables whose rows may have what is sought: their service is its owner. */
  readonly owned: readonly string[];
  /** Where the service keeps names of people of its own. */
  readonly people: readonly TextColumn[];
}

export interface Traces {
  /** Rows that hold a phrase, by `schema.table.column`. */
  readonly traces: Map<string, number>;
  /** Rows searched, by `schema.table`. */
  readonly searched: Map<string, number>;
  readonly shared: Set<string>;
  readonly leftOut: string[];
}

const ROWS_AT_ONCE = 500;
/** Where the planner's samples are told to be: they are of a column and in no table of the database. */
const SAMPLES = 'pg_stats';
/** A row's columns read together. */
const ANY = '*';

export async function findTraces(sql: Database, sought: Sought, ground: Ground): Promise<Traces> {
  const owned = await qualified(sql, ground.owned);
  const all = await listTables(sql);
  const isLeftOut = (table: Table) => table.isForeign || owned.has(nameOf(table));
  const shared = await findShared(sql, sought, ground.people);
  const hashes = new Set([...sought.hashes].filter((hash) => !shared.has(hash)));
  const search = new PhraseSearch({ ...sought, hashes });
  const found: Traces = { traces: new Map(), searched: new Map(), shared, leftOut: [] };
  for (const table of all.filter((one) => !isLeftOut(one)))
    await searchTable(sql, table, { search, fields: ground.fields, found });
  await searchSamples(sql, all.filter(isLeftOut).map(nameOf), search, found);
  for (const table of all.filter(isLeftOut)) found.leftOut.push(reasonFor(table));
  return found;
}

function nameOf({ schema, table }: Table): string {
  return `${schema}.${table}`;
}

function reasonFor(table: Table): string {
  const why = table.isForeign ? 'a foreign table' : "its owner's own rows";
  return `${table.schema === 'public' ? table.table : nameOf(table)}: ${why}`;
}

/** The phrases that name people of the service itself. */
async function findShared(
  sql: Database,
  sought: Sought,
  people: readonly TextColumn[],
): Promise<Set<string>> {
  const search = new PhraseSearch(sought);
  const shared = new Set<string>();
  for (const { table, column } of people)
    await readAll(sql, quoted(table.split('.')), [{ name: column, isBinary: false }], ([text]) => {
      for (const hash of search.hashesIn(text!.toString())) shared.add(hash);
    });
  return shared;
}

interface Searching {
  readonly search: PhraseSearch;
  readonly fields: readonly string[];
  readonly found: Traces;
}

async function searchTable(
  sql: Database,
  table: Table,
  { search, fields, found: { traces, searched } }: Searching,
): Promise<void> {
  const texts = table.columns.filter(({ isText }) => isText);
  const place = ({ name }: Column) => `${nameOf(table)}.${name}`;
  const from = quoted([table.schema, table.table]);
  const rows = await readAll(sql, from, texts, (values) => {
    const held = values.map((value) => value?.toString() ?? '');
    if (!search.holds(held.join(' '))) return;
    const at = texts.filter((_, i) => search.holds(held[i]!)).map(place);
    for (const name of at.length > 0 ? at : [`${nameOf(table)}.${ANY}`]) add(traces, name, 1);
  });
  searched.set(nameOf(table), rows);
  for (const column of table.columns)
    if (rows > 0 && fields.includes(column.name)) traces.set(place(column), rows);
}

function add(counts: Map<string, number>, name: string, count: number): void {
  counts.set(name, (counts.get(name) ?? 0) + count);
}

type Value = string | Buffer | null;

/**
 * Reads every row of a table as it is at one moment, so that none is missed that moves meanwhile.
 * Answers how many there are. The driver's own cursors write to a connection that was lost while a
 * page was looked at, which ends the process: each page is a query of its own.
 */
function readAll(
  sql: Database,
  from: string,
  columns: readonly Pick<Column, 'name' | 'isBinary'>[],
  onRow: (values: readonly Value[]) => void,
): Promise<number> {
  const giveWay = turns();
  const names = columns.map(({ name, isBinary }) => `${quoted([name])}${isBinary ? '' : '::text'}`);
  return sql.begin('read only', async (tx) => {
    await tx`set local statement_timeout = 0`;
    await tx.unsafe(`declare pages no scroll cursor for select ${names.join(', ')} from ${from}`);
    for (let rows = 0; ; ) {
      const page = await tx.unsafe(`fetch ${ROWS_AT_ONCE} from pages`).values();
      for (const values of page) {
        onRow(values as Value[]);
        await giveWay();
      }
      rows += page.length;
      if (page.length < ROWS_AT_ONCE) return rows;
    }
  });
}

/** The driver takes a dot within a name for the end of it. */
export function quoted(names: readonly string[]): string {
  return names.map((name) => `"${name.replaceAll('"', '""')}"`).join('.');
}

/** Samples of a column are a place of their own. */
async function searchSamples(
  sql: Database,
  leftOut: readonly string[],
  search: PhraseSearch,
  { traces }: Traces,
): Promise<void> {
  for (const { schema, table, column, values } of await listSamples(sql)) {
    const name = `${schema}.${table}`;
    if (!leftOut.includes(name) && search.holds(values))
      traces.set(`${SAMPLES}.${name}.${column}`, 1);
  }
}
