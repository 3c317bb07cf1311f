import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { closePostgres, connectPostgres } from '../../runtime/postgres.ts';
import { testDatabase } from '../../test/harness/postgres.ts';
import { findTraces } from './findTraces.ts';
import { hashPhrase, holdsPhrase, wordsOf } from './phrases.ts';

const SALT = 'a salt of this search';
const sought = (...phrases: string[]) => ({
  salt: SALT,
  hashes: new Set(phrases.map((phrase) => hashPhrase(SALT, wordsOf(phrase)))),
  longest: 3,
});

test('a name is found in any case, alphabet and composition, as whole words only', () => {
  const finds = (text: string, ...phrases: string[]) => holdsPhrase(text, sought(...phrases));
  assert.ok(finds('by ADA  Lovelace, yesterday', 'Ada Lovelace'));
  assert.ok(finds('{"by":"Софья Ковалевская"}', 'софья ковалевская'));
  assert.ok(finds('Zoe\u0308 was here', 'Zoë'));
  assert.ok(finds("O'Neill", 'o\u2019neill') === false, 'another apostrophe is another word');
  assert.ok(!finds('Adamant lovelaces', 'Ada Lovelace', 'Ada'));
  assert.ok(!holdsPhrase('Ada Lovelace', { ...sought('Ada Lovelace'), salt: 'another' }));
});

test('every table and kind of text is searched, and only places and counts are told', async () => {
  const { url } = await testDatabase({ after });
  const sql = connectPostgres(url, { name: 'traces', max: 2 });
  after(() => closePostgres(sql));
  await sql.unsafe(`create schema "Odd ""one"; create table "Odd ""one".notes (id int, a text[]);
    create table notes (id int, note text, kept jsonb, raw bytea, other text);
    insert into notes select n, case when n % 2 = 0 then 'by Ada Lovelace' end,
      '{"last_name": "Lovelace"}', convert_to('Софья', 'UTF8'), 'nobody' from generate_series(1, 1500) n;
    insert into "Odd ""one".notes values (1, array['x', 'Ada Lovelace'])`);
  assert.deepEqual(Object.fromEntries(await findTraces(sql, sought('Ada Lovelace', 'Софья'))), {
    'Odd "one.notes.a': 1,
    'public.notes.note': 750,
    'public.notes.raw': 1500,
  });
});
