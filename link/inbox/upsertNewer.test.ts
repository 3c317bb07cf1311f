import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { closePostgres, connectPostgres } from '../../runtime/postgres.ts';
import { testDatabase } from '../../test/harness/postgres.ts';
import { type ReplicaTable, upsertNewer } from './upsertNewer.ts';

const replica: ReplicaTable = {
  table: 'replicas of "things"',
  key: { column: 'id', type: 'uuid' },
  version: 'version',
  forms: { 0: { columns: { name: 'text', tags: 'jsonb' } } },
};

const { url } = await testDatabase({ after });
const sql = connectPostgres(url, { name: 'upsert' });
await sql`create table "replicas of ""things""" (id uuid primary key, version int8 not null,
  name text, tags jsonb)`;
after(() => closePostgres(sql));

test('any order, any repetition and any batches leave the newest version of every key', async () => {
  const keys = Array.from({ length: 4 }, () => randomUUID());
  const change = fc.record({
    key: fc.constantFrom(...keys),
    version: fc.integer({ min: 1, max: 9 }),
  });
  const batch = fc.uniqueArray(change, { selector: (one) => one.key, minLength: 1 });
  const run = async (batches: { key: string; version: number }[][]) => {
    await sql`truncate "replicas of ""things"""`;
    const stored = new Map<string, number>();
    for (const changes of batches) {
      const rows = changes.map(({ key, version }) => ({
        key,
        version: BigInt(version),
        values: { name: `v${version}`, tags: { version } },
      }));
      const written = await sql.begin((tx) => upsertNewer(tx, replica, rows));
      const newer = changes.filter(({ key, version }) => version > (stored.get(key) ?? 0));
      assert.deepEqual([...written].sort(), newer.map(({ key }) => key).sort());
      for (const { key, version } of newer) stored.set(key, version);
    }
    const rows = await sql<{ id: string; version: bigint; name: string; tags: object }[]>`
      select * from "replicas of ""things"""`;
    assert.equal(rows.length, stored.size);
    for (const { id, version, name, tags } of rows)
      assert.deepEqual(
        [Number(version), name, tags],
        [stored.get(id), `v${stored.get(id)}`, { version: stored.get(id) }],
      );
  };
  await fc.assert(fc.asyncProperty(fc.array(batch, { minLength: 1, maxLength: 8 }), run), {
    numRuns: 25,
  });
});

test('concurrent batches of the same keys neither deadlock nor lose the newest', async () => {
  const keys = Array.from({ length: 20 }, () => randomUUID());
  const versions = Array.from({ length: 12 }, (_, i) => BigInt(i + 1));
  await Promise.all(
    versions.map((version) => {
      const shuffled = keys.toSorted(() => Math.random() - 0.5);
      const rows = shuffled.map((key) => ({ key, version, values: { name: 'x', tags: null } }));
      return sql.begin((tx) => upsertNewer(tx, replica, rows));
    }),
  );
  const stored = await sql`select 1 from "replicas of ""things"""
    where id = any(${keys}::uuid[]) and version = ${versions.at(-1)!}`;
  assert.equal(stored.length, keys.length);
});
