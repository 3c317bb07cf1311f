import assert from 'node:assert/strict';
import { test } from 'node:test';
import { applyExpand } from '../../db/schemaChanges.ts';
import { closePostgres, connectPostgres } from '../../runtime/postgres.ts';
import { links } from '../../services/links.ts';
import { testDatabase } from '../../test/harness/postgres.ts';
import { prepareRoutes } from './routes.ts';
import { readStandings } from './standings.ts';

const LEG = 'COMM-010/hiring';
const template = { name: 'link', fill: (url: string) => applyExpand(url, ['link']) };

test('of millions of open rows that an older route carries, no more are counted than tell that it is a lot', async (t) => {
  const { url } = await testDatabase(t, template);
  const sql = connectPostgres(url, { name: 'standings', max: 1 });
  t.after(() => closePostgres(sql));
  await prepareRoutes(sql, [links['COMM-010']]);
  await sql`insert into relink.outbox (leg, lane, key, version, event, event_version, event_id, body)
    select ${LEG}, n % 16, 'k', 1, 'ManagerCreated', 0, gen_random_uuid(), '{}'
    from generate_series(0, 15999) n`;
  const carried = async (through: number) => {
    await sql`update relink.routes set carried_through = ${through} where lane < 8`;
    return (await readStandings(sql, LEG)).map((lane) => lane.carriedOpen);
  };
  assert.deepEqual(await carried(0), Array(16).fill(0));
  assert.deepEqual(await carried(160), [...Array(8).fill(10), ...Array(8).fill(0)]);
  const [first, ...others] = await carried(16_000);
  assert.equal(first, 625, 'of 1,000 each, 5,000 are counted together');
  assert.deepEqual(others, [...Array(7).fill(625), ...Array(8).fill(0)]);
});
