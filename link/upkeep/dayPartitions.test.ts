import assert from 'node:assert/strict';
import { test } from 'node:test';
import { applyExpand } from '../../db/schemaChanges.ts';
import { closePostgres, connectPostgres } from '../../runtime/postgres.ts';
import { testDatabase } from '../../test/harness/postgres.ts';
import { keepDays, keptSince } from './dayPartitions.ts';

const template = { name: 'link', fill: (url: string) => applyExpand(url, ['link']) };
const HISTORY = { table: 'history', column: 'closed_at', keepDays: 2, beginsNow: true };

async function prepare(t: Parameters<typeof testDatabase>[0]) {
  const { url } = await testDatabase(t, template);
  const sql = connectPostgres(url, { name: 'test' });
  t.after(() => closePostgres(sql));
  const partitions = async () => {
    const rows = await sql<{ name: string; days: number }[]>`
      select to_date(right(relname, 8), 'YYYYMMDD') - (now() at time zone 'UTC')::date as days
      from pg_class where relname ~ '^history_[0-9]{8}$' and relkind = 'r' order by 1`;
    return rows.map(({ days }) => days);
  };
  /** A row that was closed so many days ago, by which partition it is in. */
  const close = async (daysAgo: number) => {
    const [row] = await sql<{ place: string }[]>`
      insert into relink.history (leg, event_id, lane, key, version, event, event_version, body,
        created_at, closed_at, epoch, hash, hashed_version)
      values ('COMM-040/bonuses', gen_random_uuid(), 0, 'k', 1, 'SolutionCompleted', 0, '{}', now(),
        now() - make_interval(days => ${daysAgo}), 1, 1, 0)
      returning tableoid::regclass::text as place`;
    return row!.place;
  };
  return { sql, partitions, close };
}

test('days are made ahead, and dropped whole once they are older than what is kept', async (t) => {
  const { sql, partitions, close } = await prepare(t);
  assert.equal(await keptSince(sql, 'history'), 0);
  const before = Date.now();
  await keepDays(sql, HISTORY);
  const since = await keptSince(sql, 'history');
  assert.ok(Math.abs(since - before) < 60_000, 'whole since its first day was made, not before');
  assert.deepEqual(await partitions(), [0, 1, 2, 3, 4, 5, 6, 7]);
  assert.match(await close(0), /history_\d{8}$/);
  // As if the service had begun five days ago.
  for (const days of [3, 2])
    await sql.unsafe(`do $$ begin execute format('create table relink.history_%s partition of
      relink.history for values from (%L) to (%L)',
      to_char((now() at time zone 'UTC')::date - ${days}, 'YYYYMMDD'),
      ((now() at time zone 'UTC')::date - ${days})::text || 'T00:00Z',
      ((now() at time zone 'UTC')::date - ${days - 1})::text || 'T00:00Z'); end $$`);
  await close(3);
  await close(2);
  await keepDays(sql, HISTORY);
  assert.deepEqual(await partitions(), [-2, 0, 1, 2, 3, 4, 5, 6, 7]);
  assert.equal((await sql`select from relink.history`).length, 2);
});

test('a day without a partition stops nothing: its rows are kept elsewhere, and removed in time', async (t) => {
  const { sql, partitions, close } = await prepare(t);
  assert.equal(await close(0), 'relink.history_rest');
  assert.equal(await close(5), 'relink.history_rest');
  await keepDays(sql, { ...HISTORY, beginsNow: false });
  assert.deepEqual(await partitions(), [1, 2, 3, 4, 5, 6, 7], 'today has its rows elsewhere');
  assert.equal((await sql`select from relink.history`).length, 1);
  assert.equal(await close(0), 'relink.history_rest');
});

test('processes that look after a table at the same time do not get into each other’s way', async (t) => {
  const { sql, partitions } = await prepare(t);
  await Promise.all([1, 2, 3, 4].map(() => keepDays(sql, HISTORY)));
  assert.equal((await partitions()).length, 8);
});
