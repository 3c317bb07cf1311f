/** Two managers never share a nickname, and whoever would make them hears why. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, test } from 'node:test';
import { closePostgres, connectPostgres } from 'relink/runtime';
import { applyExpand } from '../../../db/schemaChanges.ts';
import { entityHandlers } from '../../../link/participant/entityHandlers.ts';
import { testDatabase } from '../../../test/harness/postgres.ts';
import { nicknameOf } from '../../mappings/nicknames.ts';
import { registerManager } from '../domain/manager.ts';
import { insertManager, managerSource } from '../store/managers.ts';
import { managerMethods } from './managers.ts';

const fill = (url: string) => applyExpand(url, ['link', 'assessments']);
const { url } = await testDatabase({ after }, { name: 'service_assessments', fill });
const sql = connectPostgres(url, { name: 'test' });
after(() => closePostgres(sql));

const NAMES = { firstName: 'Emmy', lastName: 'Noether' };

/** Another manager has the nickname that follows from this id. */
async function takeNickname(id: string): Promise<void> {
  const other = registerManager(randomUUID(), NAMES, new Date());
  await sql.begin((tx) => insertManager(tx, { ...other, nickname: nicknameOf(id) }));
}

test('an id whose nickname is taken is refused by name, and leaves nothing behind', async () => {
  const managerId = randomUUID();
  await takeNickname(managerId);
  const { registerManager } = managerMethods({ sql, kit: { enqueue: async () => [] } as never });
  const registering = registerManager({ managerId, ...NAMES } as never, undefined as never);
  await assert.rejects(async () => registering, {
    reason: 'ID_TAKEN',
    message: `another manager is called ${nicknameOf(managerId)}, which follows from this manager_id; use a new id`,
  });
  assert.equal((await sql`select from managers where id = ${managerId}`).length, 0);
});

test('rows of older builds that would share a nickname are not stored, and the answer says so', async () => {
  const id = randomUUID();
  await takeNickname(id);
  await sql.begin((tx) => insertManager(tx, registerManager(randomUUID(), NAMES, new Date())));
  await sql`insert into managers (id, first_name, last_name, created_at, updated_at)
    values (${id}, 'Ada', 'Lovelace', now(), now())`;
  const { storeRows } = entityHandlers({ sql, sources: { 'COMM-010': managerSource } });
  const request = { link: 'COMM-010', version: 1, afterKey: '', limit: 0 };
  await assert.rejects(async () => storeRows(request as never, undefined as never), {
    code: 'NOT_MOVABLE',
    message:
      'rows of managers cannot be stored as version 1 has them: two of them would be alike in managers_nickname',
  });
});
