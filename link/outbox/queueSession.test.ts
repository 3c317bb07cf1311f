import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { applyExpand } from '../../db/schemaChanges.ts';
import { closePostgres, connectPostgres } from '../../runtime/postgres.ts';
import { testDatabase } from '../../test/harness/postgres.ts';
import { closeRows } from './closeRows.ts';
import { readOpen } from './openRows.ts';
import { QUEUE_SESSION } from './queueSession.ts';

const LEG = 'COMM-010/hiring';
const template = { name: 'link', fill: (url: string) => applyExpand(url, ['link']) };
const { url } = await testDatabase({ after }, template);

test('closing ten times as many rows takes ten times as long, also after many single ones', async () => {
  const sql = connectPostgres(url, { name: 'queue', max: 1, session: QUEUE_SESSION });
  after(() => closePostgres(sql));
  await sql`insert into relink.lanes (link, lane, owner, term) values ('COMM-010', 3, 'a-1', 1)`;
  const close = async (count: number) => {
    const rows = await sql<{ seq: number; eventId: string }[]>`
      insert into relink.outbox (leg, lane, key, version, event, event_version, event_id, body)
      select ${LEG}, 3, 'k', n, 'E', 0, gen_random_uuid(), '{}'
      from generate_series(1, ${count}::int) n returning seq::float8 as seq, event_id as "eventId"`;
    const told = rows.map((row) => ({ ...row, epoch: 1n, hash: 7n, hashedVersion: 0 }));
    const closing = { leg: LEG, rows: told, terms: new Map([[3, 1n]]), isKept: false };
    const startedMs = performance.now();
    await closeRows(sql, { link: 'COMM-010', instance: 'a-1' }, closing);
    return performance.now() - startedMs;
  };
  const best = async (count: number) =>
    Math.min(await close(count), await close(count), await close(count));
  for (let i = 0; i < 20; i++) await close(1);
  const [few, many] = [await best(200), await best(2_000)];
  assert.ok(many < 40 * few, `200 rows took ${few} ms, and 2,000 took ${many} ms`);
});

test('a read of some rows reads some rows, however many are open and whatever the statistics say', async () => {
  const sql = connectPostgres(url, { name: 'queue', max: 1, session: QUEUE_SESSION });
  after(() => closePostgres(sql));
  await sql`insert into relink.outbox (leg, lane, key, version, event, event_version, event_id, body)
    select ${LEG}, n % 16, 'k', n, 'E', 0, gen_random_uuid(), repeat('x', 300)
    from generate_series(1, 20000) n`;
  const readBlocks = async () => {
    await sql`select pg_stat_force_next_flush()`;
    const [row] = await sql<{ blocks: number }[]>`
      select heap_blks_hit::int + heap_blks_read::int as blocks from pg_statio_all_tables
      where relid = 'relink.outbox'::regclass`;
    return row!.blocks;
  };
  const before = await readBlocks();
  const order = {
    leg: LEG,
    tail: 5_000,
    end: 20_000,
    laneMask: 0xffff,
    limit: 100,
    bytes: 2 ** 30,
  };
  const [open] = await readOpen(sql, [order]);
  assert.equal(open!.rows.length, 100);
  // Of about a thousand that hold the rows after the tail.
  assert.ok((await readBlocks()) - before < 200, `${(await readBlocks()) - before} blocks`);
});
