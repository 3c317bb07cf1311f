import assert from 'node:assert/strict';
import { randomUUIDv7 } from 'node:crypto';
import { after, beforeEach, test } from 'node:test';
import { applyExpand } from '../../db/schemaChanges.ts';
import { armFailpoint } from '../../runtime/failpoints.ts';
import { closePostgres, connectPostgres } from '../../runtime/postgres.ts';
import { testDatabase } from '../../test/harness/postgres.ts';
import { ALL_LANES } from '../link.ts';
import { closeRows, NOT_DELIVERED } from './closeRows.ts';
import { findKnown, readHistory, reopen } from './history.ts';
import { type OutboxRow, readOpen } from './openRows.ts';

const LEG = 'COMM-040/bonuses';
const OWNER = { link: 'COMM-040', instance: 'relay-1' };
const LANE = 3;
const ALL = 0xffff;

const template = { name: 'link', fill: (url: string) => applyExpand(url, ['link']) };
const { url } = await testDatabase({ after }, template);
const sql = connectPostgres(url, { name: 'history' });
after(() => closePostgres(sql));
beforeEach(async () => {
  await sql`truncate relink.outbox, relink.history, relink.closed, relink.lanes, relink.repairs`;
  await sql`insert into relink.lanes (link, lane, owner, term) values ('COMM-040', ${LANE}, 'relay-1', 1)`;
});

async function write(key: string, version = 1n): Promise<OutboxRow> {
  const eventId = randomUUIDv7();
  await sql`insert into relink.outbox
    (leg, lane, key, version, event, event_version, event_id, body, traceparent)
    values (${LEG}, ${LANE}, ${key}, ${version}, 'SolutionCompleted', 1, ${eventId}, '{"a":1}', 't')`;
  return (await open()).find((row) => row.eventId === eventId)!;
}

async function open(): Promise<OutboxRow[]> {
  const order = { leg: LEG, tail: 0, end: 2 ** 52, laneMask: ALL, limit: 100, bytes: 2 ** 30 };
  return (await readOpen(sql, [order]))[0]!.rows;
}

/** As a receipt closes them: their hashes are 10, 11, … */
function close(rows: readonly OutboxRow[], { epoch = 5n, isKept = true } = {}) {
  const closing = rows.map(({ seq, eventId }, i) => ({
    ...{ seq, eventId, epoch, hash: BigInt(10 + i), hashedVersion: 0 },
  }));
  return closeRows(sql, OWNER, { leg: LEG, rows: closing, terms: new Map([[LANE, 1n]]), isKept });
}

function history(after = '', limit = 100, lanes: readonly number[] = ALL_LANES) {
  return readHistory(sql, LEG, { sinceMs: 0, lanes, afterId: after, limit });
}

async function digest() {
  const rows = await sql`select epoch::int, count::int, sum::int from relink.closed order by epoch`;
  return rows.map((row) => ({ ...row }));
}

test('a settled row becomes history with what the digest counted of it', async () => {
  const [one, two] = [await write('k'), await write('k', 2n)];
  assert.equal((await close([one, two])).removed, 2);
  const closed = await history();
  assert.deepEqual(
    closed.map(({ closedAt: _at, ...row }) => row),
    [one, two].map(({ eventId, key, version }, i) => ({
      ...{ eventId, lane: LANE, key, version, event: 'SolutionCompleted' },
      ...{ epoch: 5n, hash: BigInt(10 + i), hashedVersion: 0 },
    })),
  );
  assert.deepEqual(await digest(), [{ epoch: 5, count: 2, sum: 21 }]);
});

test('what was left to pull, closed under an old term or not to be kept is no history', async () => {
  const [left, other, formal] = [await write('k'), await write('l'), await write('m')];
  await close([left], { epoch: NOT_DELIVERED });
  await sql`update relink.lanes set term = 2`;
  assert.deepEqual({ ...(await close([other])) }, { isOwned: false, removed: 0 });
  await sql`update relink.lanes set term = 1`;
  await close([formal], { isKept: false });
  assert.deepEqual([...(await history())], []);
  assert.deepEqual(await digest(), [{ epoch: 5, count: 1, sum: 10 }]);
});

test('history is read in pages, in the order of writing, of the lanes that are asked for', async () => {
  const rows = [await write('a'), await write('b'), await write('c')];
  await close(rows.toReversed());
  const ids = rows.map(({ eventId }) => eventId);
  const page = await history('', 2);
  assert.deepEqual(
    page.map(({ eventId }) => eventId),
    ids.slice(0, 2),
  );
  const rest = await history(page[1]!.eventId, 2);
  assert.deepEqual(
    rest.map(({ eventId }) => eventId),
    ids.slice(2),
  );
  assert.deepEqual([...(await history('', 2, [LANE + 1]))], []);
});

test('open and closed messages are known, others are not', async () => {
  const [closed, opened] = [await write('k'), await write('l')];
  await close([closed]);
  const asked = [closed.eventId, opened.eventId, randomUUIDv7()];
  assert.deepEqual([...(await findKnown(sql, LEG, asked))].sort(), asked.slice(0, 2).sort());
});

test('a message that is sent again has its id and version, and is counted once however often it is closed', async () => {
  const [one, two, three] = [await write('k'), await write('k', 2n), await write('l')];
  await close([one, two, three]);
  // Given in any order, and twice: each key’s go out in the order of their versions.
  const ids = [two.eventId, one.eventId, one.eventId];
  const opened = await reopen(sql, LEG, ids, 'ada');
  assert.deepEqual(opened.map(({ eventId }) => eventId).sort(), [one.eventId, two.eventId].sort());
  const again = await open();
  const shown = (row: OutboxRow) => ({ ...row, seq: 0, ageMs: 0 });
  assert.deepEqual(again.map(shown), [one, two].map(shown));
  assert.deepEqual(await digest(), [{ epoch: 5, count: 1, sum: 12 }]);
  assert.equal((await history()).length, 1);
  await close(again, { epoch: 7n });
  assert.deepEqual(await digest(), [
    { epoch: 5, count: 1, sum: 12 },
    { epoch: 7, count: 2, sum: 21 },
  ]);
  const repairs =
    await sql`select event_id as id, actor, epoch::int from relink.repairs order by 1`;
  assert.deepEqual(
    repairs.map((row) => ({ ...row })),
    [one, two].map(({ eventId: id }) => ({ id, actor: 'ada', epoch: 5 })),
  );
});

test('of several who send the same messages again at once, one does', async () => {
  const rows = [await write('a'), await write('b'), await write('c')];
  await close(rows);
  const ids = rows.map(({ eventId }) => eventId);
  const opened = await Promise.all([1, 2, 3, 4].map(() => reopen(sql, LEG, ids, 'ada')));
  assert.equal(opened.flat().length, 3);
  assert.equal((await open()).length, 3);
  assert.deepEqual(await digest(), [{ epoch: 5, count: 0, sum: 0 }]);
});

for (const [point, left] of [
  ['history.before-commit', { history: 1, open: 0, count: 1 }],
  ['history.after-commit', { history: 0, open: 1, count: 0 }],
] as const)
  test(`a process that dies at ${point} leaves the message closed or open, never both`, async (t) => {
    const row = await write('k');
    await close([row]);
    const armed = armFailpoint(point, { do: 'throw' }, 1);
    t.after(() => armed.disarm());
    await assert.rejects(reopen(sql, LEG, [row.eventId], 'ada'));
    const found = {
      history: (await history()).length,
      open: (await open()).length,
      count: (await digest())[0]!.count,
    };
    assert.deepEqual(found, left);
    assert.equal((await reopen(sql, LEG, [row.eventId], 'ada')).length, left.history);
  });
