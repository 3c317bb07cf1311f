import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import {
  closePostgres,
  connectPostgres,
  type Database,
  isDatabaseUnavailable,
} from '../../runtime/postgres.ts';
import { testDatabase } from '../../test/harness/postgres.ts';
import { until } from '../../test/harness/until.ts';
import { findTraces, type Ground } from './findTraces.ts';
import { hashPhrase, PhraseSearch, wordsOf } from './phrases.ts';

const SALT = 'a salt of this search';
const hashOf = (phrase: string) => hashPhrase(SALT, wordsOf(phrase));
const sought = (...phrases: string[]) => ({
  salt: SALT,
  hashes: new Set(phrases.map(hashOf)),
  longest: 4,
});
const NOTHING_KNOWN: Ground = { fields: [], owned: [], people: [] };

function connect(url: string): Database {
  const sql = connectPostgres(url, { name: 'traces', max: 2 });
  after(() => closePostgres(sql));
  return sql;
}

async function database(): Promise<Database> {
  return connect((await testDatabase({ after })).url);
}

test('a name is found in any case, alphabet and composition, as whole words only', () => {
  const finds = (text: string, ...phrases: string[]) =>
    new PhraseSearch(sought(...phrases)).holds(text);
  assert.ok(finds('by ADA  Lovelace, yesterday', 'Ada Lovelace'));
  assert.ok(finds('{"by":"Софья Ковалевская"}', 'софья ковалевская'));
  assert.ok(finds('Zoe\u0308 was here', 'Zoë'));
  assert.ok(finds("'Shane O’Neill's", "Shane O'Neill"), 'no apostrophe belongs to a word');
  assert.ok(finds(JSON.stringify(JSON.stringify({ note: 'by\nAda\tLovelace' })), 'Ada Lovelace'));
  assert.ok(finds('"\\u0041da Lovelace"', 'Ada Lovelace'));
  assert.ok(finds('{"first_name":"Ada"}', 'first name Ada'));
  assert.ok(!finds('Adamant lovelaces', 'Ada Lovelace', 'Ada'));
  const id = '3f9a02c1-d4e5-4f60-8a71-0123456789ab';
  assert.ok(finds(`${id}:Ada Lovelace ${id}`, 'Ada Lovelace'));
  assert.ok(!finds(`Ada ${id} Lovelace`, 'Ada Lovelace'));
  const otherSalt = new PhraseSearch({ ...sought('Ada Lovelace'), salt: 'another' });
  assert.ok(!otherSalt.holds('Ada Lovelace'));
});

test('every table and kind of text is searched, and only places and counts are told', async () => {
  const sql = await database();
  await sql.unsafe(`create schema "Odd ""one.two"; create domain label as text;
    create table "Odd ""one.two".notes (id int, a text[]);
    create table notes (id int, note text, kept jsonb, raw bytea, other label, at date);
    insert into notes select n, case when n % 2 = 0 then 'by Ada Lovelace' end,
      '{"last_name": "Lovelace"}', convert_to('Софья', 'UTF8'), 'nobody' from generate_series(1, 1500) n;
    insert into notes (other) values ('Ada Lovelace');
    create materialized view copies as select other from notes where other like 'Ada%';
    create table numbers (n int); insert into numbers values (1);
    create table days (day int, note text) partition by range (day);
    create table days_1 partition of days for values from (1) to (2);
    insert into days values (1, 'Ada Lovelace');
    insert into "Odd ""one.two".notes values (1, array['x', 'Ada Lovelace'])`);
  const { traces, searched } = await findTraces(
    sql,
    sought('Ada Lovelace', 'Софья'),
    NOTHING_KNOWN,
  );
  assert.deepEqual(Object.fromEntries(traces), {
    'Odd "one.two.notes.a': 1,
    'public.copies.other': 1,
    'public.days.note': 1,
    'public.notes.note': 750,
    'public.notes.other': 1,
    'public.notes.raw': 1500,
  });
  assert.deepEqual(Object.fromEntries(searched), {
    'Odd "one.two.notes': 1,
    'public.copies': 1,
    'public.days': 1,
    'public.notes': 1501,
    'public.numbers': 1,
  });
});

test('a name over neighbouring columns is told of the row, one over fields of JSON of its column', async () => {
  const sql = await database();
  await sql.unsafe(`create table people (id int, given text, family text, at int, born text);
    create table notes (id int, kept jsonb, text text);
    insert into people values (1, 'Ada', 'Lovelace', 1, 'London'), (2, 'Lovelace', 'ADA', 1, ''),
      (3, 'Ada', 'Byron', 1, 'Lovelace'), (4, 'by Ada Lovelace', 'Ada', 1, '');
    insert into notes values (1, '{"given":"Ada","family":"Lovelace"}', ''),
      (2, '{"family":"Lovelace","x":{"given":"Ada"}}', ''), (3, '{"given":"Ada"}', 'Lovelace')`);
  const both = sought('Ada Lovelace', 'Lovelace Ada');
  const { traces } = await findTraces(sql, both, NOTHING_KNOWN);
  assert.deepEqual(Object.fromEntries(traces), {
    'public.people.*': 2,
    'public.people.given': 1,
    'public.notes.kept': 2,
    'public.notes.*': 1,
  });
});

test('columns of taken fields are places, the owner keeps its rows, and samples are told', async () => {
  const sql = await database();
  await sql.unsafe(`create table managers (first_name text);
    create table copies (id int, first_name text, note text);
    insert into managers values ('Ada Lovelace');
    insert into copies values (1, null, null), (2, null, null);
    alter table copies alter note set statistics 1000;
    insert into copies select 3, null, 'Ada Lovelace' from generate_series(1, 3);
    analyze; delete from copies where note is not null`);
  const ground = { fields: ['first_name', 'last_name'], owned: ['managers'], people: [] };
  const { traces, leftOut } = await findTraces(sql, sought('Ada Lovelace'), ground);
  assert.deepEqual(leftOut, ["managers: its owner's own rows"]);
  assert.deepEqual(Object.fromEntries(traces), {
    'public.copies.first_name': 2,
    'pg_stats.public.copies.note': 1,
  });
});

test('a name that people of the service itself have proves nothing, wherever it stands', async () => {
  const sql = await database();
  await sql.unsafe(`create table candidates (name text); create table notes (note text);
    insert into candidates values ('Ada  LOVELACE'), ('Emmy Noether');
    insert into notes values ('by Ada Lovelace'), ('by Mary Somerville')`);
  const ground = { ...NOTHING_KNOWN, people: [{ table: 'candidates', column: 'name' }] };
  const found = await findTraces(sql, sought('Ada Lovelace', 'Mary Somerville'), ground);
  assert.deepEqual([...found.shared], [hashOf('Ada Lovelace')]);
  assert.deepEqual(Object.fromEntries(found.traces), { 'public.notes.note': 1 });
});

test('a search whose backend is ended fails as a query does, wherever it was', async () => {
  const { url } = await testDatabase({ after });
  const [sql, admin] = [connect(url), connect(url)];
  await sql`create table notes as select 'x ' || n as note from generate_series(1, 50000) n`;
  let [searches, failed] = [0, 0];
  while (failed < 20) {
    searches += 1;
    assert.ok(searches < 100, `only ${failed} of them were met`);
    let isOver = false;
    const searching = findTraces(sql, sought('Ada Lovelace'), NOTHING_KNOWN)
      .catch((error) => {
        assert.ok(isDatabaseUnavailable(error), String(error));
        failed += 1;
      })
      .finally(() => {
        isOver = true;
      });
    const endIt = () => endReading(admin).then(() => isOver);
    await until(endIt, { what: 'the search ends', withinMs: 20_000 });
    await searching;
  }
});

/** Ends the backend that reads rows, if one does. */
function endReading(admin: Database) {
  return admin`select pg_terminate_backend(pid) from pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid() and xact_start is not null
      and query ~ 'notes|fetch'`;
}
