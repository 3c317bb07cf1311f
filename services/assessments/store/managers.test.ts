import assert from 'node:assert/strict';
import { randomUUIDv7 } from 'node:crypto';
import { test } from 'node:test';
import { closePostgres, connectPostgres } from 'relink/runtime';
import { applyExpand } from '../../../db/schemaChanges.ts';
import { testDatabase } from '../../../test/harness/postgres.ts';
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
