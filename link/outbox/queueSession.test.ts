import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { applyExpand } from '../../db/schemaChanges.ts';
import { closePostgres, connectPostgres } from '../../runtime/postgres.ts';
import { testDatabase } from '../../test/harness/postgres.ts';
import { readOpen } from './openRows.ts';
import { QUEUE_SESSION } from './queueSession.ts';

const LEG = 'COMM-010/hiring';
const template = { name: 'link', fill: (url: string) => applyExpand(url, ['link']) };
const { url } = await testDatabase({ after }, template);

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
