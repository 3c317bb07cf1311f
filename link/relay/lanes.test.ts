import assert from 'node:assert/strict';
import { after, beforeEach, test } from 'node:test';
import { applyExpand } from '../../db/schemaChanges.ts';
import { closePostgres, connectPostgres, type Database } from '../../runtime/postgres.ts';
import { testDatabase } from '../../test/harness/postgres.ts';
import { until } from '../../test/harness/until.ts';
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

/** Each has a connection of its own, as processes have: with it a process ends for the others. */
const connections = new Map<LaneLeases, Database>();
after(() => Promise.all([...connections.values()].map(closePostgres)));

async function relayOf(instance: string): Promise<LaneLeases> {
  const own = connectPostgres(url, { name: instance, max: 1, lasting: true });
  const leases = new LaneLeases(own, instance, [LINK]);
  connections.set(leases, own);
  await leases.prepare();
  await leases.refresh();
  return leases;
}

/** As when its process is killed: it says nothing, and its connection ends. */
async function kill(leases: LaneLeases): Promise<void> {
  await closePostgres(connections.get(leases)!);
}

async function leasesThatRun(): Promise<number> {
  const rows = await sql`select 1 from relink.lanes where expires_at > clock_timestamp()`;
  return rows.length;
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
  await kill(zombie);
  const restarted = await relayOf('same');
  assert.equal(lanesOf(restarted).size, LANES, 'it need not wait for the leases to expire');
  for (const [lane, term] of lanesOf(restarted)) assert.ok(term > before.get(lane)!);
  const [shared] = await sql`select 1 from relink.lanes
    join unnest(${[...before.keys()]}::int2[], ${[...before.values()].map(String)}::int8[])
      old(lane, term) using (lane, term)`;
  assert.equal(shared, undefined, 'no term of the old process is valid');
});

test('of two live processes with one name the second stands by until the first is gone', async () => {
  const first = await relayOf('same');
  const second = await relayOf('same');
  for (const leases of [first, second, first, second]) await leases.refresh();
  assert.deepEqual([first.hasName, second.hasName], [true, false]);
  assert.deepEqual([lanesOf(first).size, lanesOf(second).size], [LANES, 0]);
  await second.leave();
  await first.refresh();
  assert.equal(lanesOf(first).size, LANES, 'what the second says of its name has no effect');
  await kill(first);
  const third = await relayOf('same');
  assert.deepEqual([third.hasName, lanesOf(third).size], [true, LANES]);
});

test('lanes of a killed process are taken at once, while its leases still run', async () => {
  const one = await relayOf('one');
  const two = await relayOf('two');
  await one.refresh();
  await two.refresh();
  assert.equal(await two.hasOrphans(), false);
  const before = new Map([...lanesOf(one), ...lanesOf(two)]);
  await sql`update relink.lanes set expires_at = clock_timestamp() + interval '7 s'`;
  await kill(one);
  await until(() => two.hasOrphans(), { what: 'it is seen that nobody holds the lock' });
  assert.equal(await leasesThatRun(), LANES);
  await two.refresh();
  assert.equal(lanesOf(two).size, LANES);
  for (const [lane, term] of lanesOf(two))
    assert.ok(term >= before.get(lane)!, 'a lane that it took has a new term');
  assert.equal(await two.hasOrphans(), false);
});

test('a process that lost only its connection takes the lock again and gets its share', async () => {
  const one = await relayOf('one');
  const two = await relayOf('two');
  await one.refresh();
  await sql`select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'one'`;
  await until(() => one.refresh().then(() => true), { what: 'it is connected again' });
  await two.refresh();
  await one.refresh();
  assert.deepEqual([lanesOf(one).size, lanesOf(two).size], [LANES / 2, LANES / 2]);
  assert.equal(await two.hasOrphans(), false);
});

test('a relay of a build without the lock counts as alive for one lease', async () => {
  const one = await relayOf('one');
  await one.leave();
  await sql`insert into relink.relays (instance, seen_at, process, process_seen_at)
    values ('before', clock_timestamp(), 7, '-infinity'), ('future',
      clock_timestamp() + interval '1 h', null, null)`;
  await one.refresh();
  assert.equal(lanesOf(one).size, LANES / 2);
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
