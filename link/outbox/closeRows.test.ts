import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, beforeEach, test } from 'node:test';
import { applyExpand } from '../../db/schemaChanges.ts';
import { closePostgres, connectPostgres } from '../../runtime/postgres.ts';
import { testDatabase } from '../../test/harness/postgres.ts';
import { type ClosingRow, closeRows } from './closeRows.ts';

const LEG = 'COMM-010/hiring';
const LANE = 3;
const template = { name: 'link', fill: (url: string) => applyExpand(url, ['link']) };
const { url } = await testDatabase({ after }, template);
const sql = connectPostgres(url, { name: 'test', max: 1 });
after(() => closePostgres(sql));
await sql`insert into relink.lanes (link, lane, owner, term) values ('COMM-010', ${LANE}, 'a-1', 1)`;
beforeEach(async () => {
  await sql`truncate relink.outbox, relink.closed`;
});

async function insert(): Promise<ClosingRow> {
  const [row] = await sql<{ seq: number; eventId: string }[]>`
    insert into relink.outbox (leg, lane, key, version, event, event_version, event_id, body)
    values (${LEG}, ${LANE}, 'k', 1, 'ManagerCreated', 0, ${randomUUID()}, '{}')
    returning seq::float8 as seq, event_id as "eventId"`;
  return { ...row!, epoch: 1n, hash: 7n, hashedVersion: 0 };
}

function close(rows: readonly ClosingRow[]) {
  const closing = { leg: LEG, rows, terms: new Map([[LANE, 1n]]), isKept: false };
  return closeRows(sql, { link: 'COMM-010', instance: 'a-1' }, closing);
}

async function closed() {
  const rows = await sql<{ count: number; sum: number }[]>`
    select count::int, sum::int from relink.closed`;
  return rows.map((row) => ({ ...row }));
}

test('a row that is in a batch twice is counted once', async () => {
  const row = await insert();
  assert.deepEqual({ ...(await close([row, { ...row }])) }, { isOwned: true, removed: 1 });
  assert.deepEqual(await closed(), [{ count: 1, sum: 7 }]);
});

test('a receipt does not close the row that has the number of its message now', async () => {
  const row = await insert();
  const lost = { ...row, eventId: randomUUID() };
  assert.deepEqual({ ...(await close([lost])) }, { isOwned: true, removed: 0 });
  assert.deepEqual(await closed(), []);
  assert.equal((await sql`select 1 from relink.outbox`).length, 1);
});
