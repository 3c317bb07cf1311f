import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { applyExpand } from '../../db/schemaChanges.ts';
import { closePostgres, connectPostgres } from '../../runtime/postgres.ts';
import { testDatabase } from '../../test/harness/postgres.ts';
import { closeRows } from './closeRows.ts';

const template = { name: 'link', fill: (url: string) => applyExpand(url, ['link']) };

test('a row that is in a batch twice is counted once', async (t) => {
  const { url } = await testDatabase(t, template);
  const sql = connectPostgres(url, { name: 'test', max: 1 });
  t.after(() => closePostgres(sql));
  await sql`insert into relink.lanes (link, lane, owner, term) values ('COMM-010', 3, 'a-1', 1)
    on conflict (link, lane) do update set owner = 'a-1', term = 1`;
  const [{ seq } = { seq: 0 }] = await sql<{ seq: number }[]>`
    insert into relink.outbox (leg, lane, key, version, event, event_version, event_id, body)
    values ('COMM-010/hiring', 3, 'k', 1, 'ManagerCreated', 0, ${randomUUID()}, '{}')
    returning seq::float8 as seq`;
  const row = { seq, epoch: 1n, hash: 7n, hashedVersion: 0 };
  const closing = {
    leg: 'COMM-010/hiring',
    rows: [row, { ...row }],
    terms: new Map([[3, 1n]]),
    isKept: false,
  };
  const owner = { link: 'COMM-010', instance: 'a-1' };
  assert.deepEqual({ ...(await closeRows(sql, owner, closing)) }, { isOwned: true, removed: 1 });
  const [closed] = await sql`select count::int, sum::int from relink.closed`;
  assert.deepEqual({ ...closed }, { count: 1, sum: 7 });
});
