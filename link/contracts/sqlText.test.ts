import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { closePostgres, connectPostgres } from '../../runtime/postgres.ts';
import { testDatabase } from '../../test/harness/postgres.ts';
import { identifier, literal } from './sqlText.ts';

const { url } = await testDatabase({ after });
const sql = connectPostgres(url, { name: 'sql_text' });
after(() => closePostgres(sql));

const text = fc.string({ unit: 'binary', maxLength: 20 }).filter((one) => !one.includes('\0'));
const odd = fc.constantFrom("'", '\\', "\\'", "'; drop table x; --", '$1', 'E', '\n');
const texts = fc.sample(fc.oneof(text, odd), 300);

test('PostgreSQL reads the same text, whatever the session says of backslashes', async () => {
  for (const setting of ['on', 'off']) {
    const [row] = await sql.begin(async (tx) => {
      await tx.unsafe(`set local standard_conforming_strings = ${setting}`);
      return tx.unsafe(`select array[${texts.map(literal).join()}] as texts`);
    });
    assert.deepEqual(row!.texts, texts, setting);
  }
});

test('PostgreSQL reads the same name', async () => {
  for (const name of ['title', 'Title', 'order', 'a"b', "a'b", 'a b']) {
    const [row] = await sql.unsafe(`select 1 as ${identifier(name)}`);
    assert.deepEqual(Object.keys(row!), [name]);
  }
});

test('PostgreSQL reads numbers, truth, lists and nothing as what they are', async () => {
  const values = [1.5, -2, true, ['a', "b'"], { a: 1 }];
  const selected = values.map((value, at) => `to_jsonb(${literal(value)}) as v${at}`);
  const [row] = await sql.unsafe(`select ${selected.join()}, ${literal(null)} as nothing`);
  assert.deepEqual(Object.values(row!), [...values, null]);
});

test('what PostgreSQL cannot hold is refused', () => {
  assert.throws(() => literal('a\0b'), /U\+0000/);
  assert.throws(() => literal(undefined), /undefined/);
});
