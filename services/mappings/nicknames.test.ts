import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, describe, test } from 'node:test';
import { closePostgres, connectPostgres } from '../../runtime/postgres.ts';
import { testDatabase } from '../../test/harness/postgres.ts';
import { nicknameOf, nicknameSql } from './nicknames.ts';
import { ADJECTIVES, ANIMALS } from './nicknameWords.ts';

const { url } = await testDatabase({ after });
const sql = connectPostgres(url, { name: 'nicknames' });
after(() => closePostgres(sql));

describe('a nickname', () => {
  test('is the same for ever', () => {
    const id = '019a0000-0000-7000-8000-000000000001';
    assert.equal(nicknameOf(id), 'grand-bee-8a9d728324');
    assert.equal(nicknameOf(id.toUpperCase()), nicknameOf(id));
  });

  test('is of ASCII letters, digits and hyphens, and fits the contract', () => {
    for (const words of [ADJECTIVES, ANIMALS]) {
      assert.deepEqual([words.length, new Set(words).size], [128, 128]);
      for (const word of words) assert.match(word, /^[a-z]{2,11}$/);
    }
    assert.match(nicknameOf(randomUUID()), /^[a-z]+-[a-z]+-[0-9a-f]{10}$/);
  });

  test('is another for ids that differ in one digit', () => {
    const ids = Array.from({ length: 4096 }, (_, n) => {
      return `019a0000-0000-7000-8000-000000000${n.toString(16).padStart(3, '0')}`;
    });
    assert.equal(new Set(ids.map(nicknameOf)).size, ids.length);
  });

  test('is computed in PostgreSQL as here, of a uuid and of its text', async () => {
    const ids = Array.from({ length: 1000 }, (_, n) =>
      n % 2 === 0 ? randomUUID() : randomUUID().toUpperCase(),
    );
    const rows = await sql.unsafe(
      `select ${nicknameSql('id')} as of_text, ${nicknameSql('id::uuid')} as of_uuid
        from unnest($1::text[]) as ids(id)`,
      [ids] as never,
    );
    const expected = ids.map(nicknameOf).map((name) => ({ of_text: name, of_uuid: name }));
    assert.deepEqual([...rows], expected);
  });
});
