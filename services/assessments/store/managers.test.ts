import assert from 'node:assert/strict';
import { randomUUIDv7 } from 'node:crypto';
import { test } from 'node:test';
import { closePostgres, connectPostgres } from 'relink/runtime';
import { applyExpand } from '../../../db/schemaChanges.ts';
import { testDatabase } from '../../../test/harness/postgres.ts';
import { nicknameOf } from '../../mappings/nicknames.ts';
import { registerManager } from '../domain/manager.ts';
import { insertManager, managerSource, renameManager } from './managers.ts';

const template = {
  name: 'service_assessments',
  fill: (url: string) => applyExpand(url, ['link', 'assessments']),
};

test('a backfill sends a manager as created, in the version and with the names of now', async (t) => {
  const { url } = await testDatabase(t, template);
  const sql = connectPostgres(url, { name: 'test' });
  t.after(() => closePostgres(sql));
  const names = { firstName: 'Emmy', lastName: 'Noether' };
  const now = new Date('2026-01-01T00:00:00Z');
  const manager = registerManager(randomUUIDv7(), names, now);
  await sql.begin((tx) => insertManager(tx, manager));
  await sql.begin((tx) => renameManager(tx, manager.id, { firstName: 'Amalie' }, new Date()));
  const wanted = { afterKey: '', limit: 10, keys: [] };
  const [message] = await sql.begin((tx) => managerSource.page(tx, wanted));
  assert.deepEqual(message, {
    event: 'ManagerCreated',
    key: manager.id,
    version: 2n,
    payload: {
      manager_replication_id: manager.id,
      nickname: manager.nickname,
      created_at: now.toISOString(),
    },
    complement: { first_name: 'Amalie', last_name: 'Noether' },
  });
});

test('phrases are the names of now in either order, page by page, with the nickname for them', async (t) => {
  const { url } = await testDatabase(t, template);
  const sql = connectPostgres(url, { name: 'test' });
  t.after(() => closePostgres(sql));
  const ids = [randomUUIDv7(), randomUUIDv7()].sort();
  const add = (id: string, firstName: string) =>
    sql.begin((tx) =>
      insertManager(tx, registerManager(id, { firstName, lastName: 'Noether' }, new Date())),
    );
  await add(ids[0]!, 'Emmy');
  await add(ids[1]!, 'Fritz');
  await sql.begin((tx) => renameManager(tx, ids[1]!, { firstName: 'Gottfried' }, new Date()));
  const read = (afterKey: string) => managerSource.phrases!(sql, { afterKey, limit: 1 });
  const [first] = await read('');
  assert.equal(first!.key, ids[0]);
  assert.deepEqual(await read(first!.key), [
    {
      key: ids[1],
      alias: nicknameOf(ids[1]!),
      fields: { first_name: 'Gottfried', last_name: 'Noether' },
      names: ['Gottfried Noether', 'Noether Gottfried'],
    },
  ]);
  assert.deepEqual(await read(ids[1]!), []);
});
