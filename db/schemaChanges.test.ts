import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import postgres from 'postgres';
import { closePostgres, connectPostgres } from '../runtime/postgres.ts';
import { testDatabase } from '../test/harness/postgres.ts';
import { until } from '../test/harness/until.ts';
import { applyContract, applyExpand, schemaOf } from './schemaChanges.ts';

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

test('a build starts again on a database that newer builds only added to', async (t) => {
  const { url } = await testDatabase(t);
  await applyExpand(url, ['link']);
  const sql = postgres(url, { max: 1 });
  t.after(() => sql.end());
  await sql`insert into schema_changes.link (hash, created_at) values ('newer', 9999999999000)`;
  await applyExpand(url, ['link']);
});

test('a build is refused by a database that a newer one removed something from', async (t) => {
  const { url } = await testDatabase(t);
  await applyExpand(url, ['bonuses']);
  const sql = postgres(url, { max: 1 });
  t.after(() => sql.end());
  await applyContract(sql, 'bonuses', 'dropRatingReplicas');
  await applyContract(sql, 'bonuses', 'dropRatingReplicas');
  await applyExpand(url, ['bonuses']);
  await sql`update schema_changes.contracts set name = 'dropLedger'`;
  await assert.rejects(applyExpand(url, ['bonuses']), {
    code: 'SCHEMA_NEWER',
    message: /removed what this program may still use \('dropLedger' of 'bonuses'\)/,
  });
});

test('a contract change that is taken back holds no more', async (t) => {
  const { url } = await testDatabase(t);
  await applyExpand(url, ['bonuses']);
  const sql = postgres(url, { max: 1 });
  t.after(() => sql.end());
  const held = () => sql`select name from schema_changes.contracts`.values();
  await applyContract(sql, 'bonuses', 'dropRatingReplicas');
  assert.deepEqual([...(await held())], [['dropRatingReplicas']]);
  await applyContract(sql, 'bonuses', 'makeRatingReplicas');
  assert.deepEqual([...(await held())], []);
});

test('a database brought up by the releases before drizzle-kit 1.0 is taken over', async (t) => {
  const { url } = await testDatabase(t);
  await applyExpand(url, ['link']);
  const sql = postgres(url, { max: 1 });
  t.after(() => sql.end());
  // These kept the milliseconds of drizzle-kit's journal.
  await sql`update schema_changes.link set created_at = created_at + 999`;
  await applyExpand(url, ['link']);
  const [changes] = await sql`select count(*)::int as count, count(distinct hash)::int as different
    from schema_changes.link`;
  assert.equal(changes?.count, changes?.different);
});

test('the schema changes of a database were written at different seconds', () => {
  for (const part of readdirSync(import.meta.dirname, { withFileTypes: true })) {
    if (!part.isDirectory()) continue;
    const tags = readdirSync(join(import.meta.dirname, part.name, 'expand'));
    const moments = tags.map((tag) => tag.match(/^\d{14}(?=_)/)?.[0] ?? tag);
    assert.ok(moments.every(Number), `${part.name}: ${tags}`);
    assert.equal(new Set(moments).size, tags.length, `${part.name}: ${tags}`);
  }
});

test('a change that has to wait for a lock lets the others through, and comes later', async (t) => {
  const { url } = await testDatabase(t);
  await applyExpand(url, ['link', 'bonuses']);
  const sql = connectPostgres(url, { name: 'test', max: 2 });
  t.after(() => closePostgres(sql));
  const schema = schemaOf(url, sql, ['link', 'bonuses']);
  const [begun, released] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const reading = sql.begin(async (tx) => {
    await tx`select count(*) from rating_replicas`;
    begun.resolve();
    await released.promise;
  });
  await begun.promise;
  const contracting = schema.contract('dropRatingReplicas');
  const waiter = postgres(url, { max: 1 });
  t.after(() => waiter.end());
  await until(
    async () => {
      const [{ waiting } = { waiting: 0 }] = await waiter`
      select count(*)::int as waiting from pg_locks
      where not granted and relation = 'rating_replicas'::regclass`;
      return waiting > 0;
    },
    { what: 'the change to wait' },
  );
  await waiter`insert into rating_replicas values (gen_random_uuid(), 1, 50)`;
  released.resolve();
  await reading;
  assert.equal(await contracting, true);
  assert.equal(await schema.contract('dropRatingReplicas'), false, 'it was made before');
  const made = await schema.list();
  assert.deepEqual(
    made.filter(({ removes }) => removes).map(({ part, name }) => [part, name]),
    [['bonuses', 'dropRatingReplicas']],
  );
  assert.ok(made.some(({ part, removes }) => part === 'link' && !removes));
  assert.deepEqual(await schema.expand(), []);
});
