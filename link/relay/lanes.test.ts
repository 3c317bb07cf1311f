import assert from 'node:assert/strict';
import { after, beforeEach, test } from 'node:test';
import { applyExpand } from '../../db/schemaChanges.ts';
import { closePostgres, connectPostgres } from '../../runtime/postgres.ts';
import { testDatabase } from '../../test/harness/postgres.ts';
import { LANES } from '../link.ts';
import { LaneLeases } from './lanes.ts';

const LINK = 'COMM-010';
const template = { name: 'link', fill: (url: string) => applyExpand(url, ['link']) };
const { url } = await testDatabase({ after }, template);
const sql = connectPostgres(url, { name: 'lanes' });
after(() => closePostgres(sql));
beforeEach(async () => {
  await sql`truncate relink.lanes, relink.relays`;
});

async function relayOf(instance: string): Promise<LaneLeases> {
  const leases = new LaneLeases(sql, instance, [LINK]);
  await leases.prepare();
  await leases.refresh();
  return leases;
}

const lanesOf = (leases: LaneLeases) => leases.owned.get(LINK)!;

test('a lone relay owns every lane; a second one gets its half at the next refresh', async () => {
  const one = await relayOf('one');
  assert.equal(lanesOf(one).size, LANES);
  const two = await relayOf('two');
  await one.refresh();
  await two.refresh();
  assert.equal(lanesOf(one).size, LANES / 2);
  assert.equal(lanesOf(two).size, LANES / 2);
  for (const lane of lanesOf(one).keys()) assert.ok(!lanesOf(two).has(lane));
});

test('a lane that changes owner gets a higher term', async () => {
  const one = await relayOf('one');
  const before = new Map(lanesOf(one));
  await one.leave();
  const two = await relayOf('two');
  for (const [lane, term] of lanesOf(two)) assert.ok(term > before.get(lane)!);
});

test('a process restarted under the same name fences its predecessor', async () => {
  const zombie = await relayOf('same');
  const before = new Map(lanesOf(zombie));
  const restarted = await relayOf('same');
  assert.equal(lanesOf(restarted).size, LANES, 'it need not wait for the leases to expire');
  for (const [lane, term] of lanesOf(restarted)) assert.ok(term > before.get(lane)!);
  const [shared] = await sql`select 1 from relink.lanes
    join unnest(${[...before.keys()]}::int2[], ${[...before.values()].map(String)}::int8[])
      old(lane, term) using (lane, term)`;
  assert.equal(shared, undefined, 'no term of the old process is valid');
});

test('leases of a relay that does not renew them are taken over when they expire', async () => {
  const one = await relayOf('one');
  await sql`update relink.lanes set expires_at = clock_timestamp() - interval '1 s'`;
  await sql`update relink.relays set seen_at = clock_timestamp() - interval '1 h'`;
  const two = await relayOf('two');
  assert.equal(lanesOf(two).size, LANES);
  await one.refresh();
  assert.equal(lanesOf(one).size, 0, 'the old owner learns of it at its next refresh');
});

test('a relay that cannot read a message gives the lanes of its link to one that can', async () => {
  const older = await relayOf('older');
  const newer = await relayOf('newer');
  for (const relay of [older, newer]) await relay.refresh();
  older.decline(LINK);
  for (const relay of [older, newer, older]) await relay.refresh();
  assert.equal(lanesOf(older).size, 0);
  assert.equal(lanesOf(newer).size, LANES);
});

test('a relay that cannot read a message keeps the lanes while no other is alive', async () => {
  const older = await relayOf('older');
  older.decline(LINK);
  await older.refresh();
  assert.equal(lanesOf(older).size, LANES);
});
