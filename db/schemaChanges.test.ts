import assert from 'node:assert/strict';
import { test } from 'node:test';
import postgres from 'postgres';
import { testDatabase } from '../test/harness/postgres.ts';
import { applyExpand } from './schemaChanges.ts';

test('several processes that start at once bring a database up once', async (t) => {
  const { url } = await testDatabase(t);
  await Promise.all([1, 2, 3].map(() => applyExpand(url, ['link', 'assessments'])));
  const sql = postgres(url, { max: 1 });
  t.after(() => sql.end());
  const [changes] = await sql`select count(*)::int as count, count(distinct hash)::int as different
    from schema_changes.assessments`;
  assert.ok(changes?.count >= 1);
  assert.equal(changes?.count, changes?.different);
  const [made] = await sql`select to_regclass('managers') is not null and
    to_regclass('relink.outbox') is not null as made`;
  assert.equal(made?.made, true);
});

test('a database with newer changes is refused and both versions are named', async (t) => {
  const { url } = await testDatabase(t);
  await applyExpand(url, ['link']);
  const sql = postgres(url, { max: 1 });
  t.after(() => sql.end());
  await sql`insert into schema_changes.link (hash, created_at) values ('newer', 9999999999999)`;
  await assert.rejects(applyExpand(url, ['link']), {
    code: 'SCHEMA_NEWER',
    message: /9999999999999 of 'link'.*only up to \d{13}/,
  });
});
