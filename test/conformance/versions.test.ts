/** A link whose routes change contract versions and transports while it flows, in the test's process. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { freePorts } from '../../dev/ports.ts';
import { ALL_LANES, legOf } from '../../link/link.ts';
import { readRoutes } from '../../link/relay/routes.ts';
import { versionsOf } from '../../link/versions.ts';
import { until } from '../harness/until.ts';
import { InProcessCompany } from '../rigs/inProcess/company.ts';
import { randomFrom } from '../rigs/random.ts';

const LINK = 'COMM-040';
const CONSUMER = 'bonuses';
const MESSAGES = 600;
const FLIPS = 16;
const LANES_AT_ONCE = 6;
const WITHIN_MS = 60_000;
const TRANSPORTS = ['sync', 'async'] as const;

/** How many events of a name came in each version. */
async function arrivedIn(company: InProcessCompany): Promise<Record<string, number>> {
  const rows = await company.sqlOf.get(CONSUMER)!<{ version: number; count: number }[]>`
    select event_version as version, count(*)::int as count from relink.inbox group by 1`;
  return Object.fromEntries(rows.map(({ version, count }) => [`v${version}`, count]));
}

/** What bookings say of who accepted a solution, and how many say so. */
async function acceptedBy(company: InProcessCompany): Promise<Record<string, number>> {
  const rows = await company.sqlOf.get(CONSUMER)!<{ by: string; count: number }[]>`
    select b.accepted_by as by, count(*)::int as count from bookings b
    join relink.inbox i on i.event_id = b.id where b.kind = 'credit'
    group by 1`;
  return Object.fromEntries(rows.map(({ by, count }) => [by, count]));
}

test('routes change versions and transports under traffic: each event counts once, certificates are equal', async (t) => {
  const seed = Date.now() % 1_000_000;
  t.diagnostic(`seed ${seed}`);
  const random = randomFrom(seed);
  const company = await InProcessCompany.start(t, { link: LINK });
  const versions = versionsOf(company.link);
  assert.deepEqual(versions, [0, 1]);
  const keys = await company.keysFor(MESSAGES);
  const writing = company.writeMany(MESSAGES, keys);
  for (let flip = 0; flip < FLIPS; flip += 1) {
    const routes = await until(
      async () => {
        const all = await readRoutes(company.producer, legOf(LINK, CONSUMER));
        const free = all.filter(({ epoch, adopted }) => epoch === adopted.epoch);
        return free.length > 0 ? free : undefined;
      },
      { withinMs: WITHIN_MS, what: 'a lane is free' },
    );
    const lanes = random.some(
      routes!.map(({ lane }) => lane),
      LANES_AT_ONCE,
    );
    const [transport, version] = [random.pick(TRANSPORTS), random.pick(versions)];
    await company.flip(CONSUMER, lanes, transport, random.chance(0.7), version);
  }
  await writing;
  await company.oracle();
  const arrived = await arrivedIn(company);
  assert.ok(arrived.v0! > 0 && arrived.v1! > 0, JSON.stringify(arrived));
  const by = await acceptedBy(company);
  // What travelled as v0 has lost the name, whatever it was written in.
  assert.ok(by['a reviewer']! > 0 && by['']! > 0, JSON.stringify(by));
});

test('builds that write the older and the newer version relay beside each other', async (t) => {
  const release = { hiring: 'COMM-040=v0/v0' };
  const company = await InProcessCompany.start(t, { link: LINK, release });
  const keys = await company.keysFor(60);
  await company.startNode('hiring', 'hiring-2', '');
  await company.writeMany(60, keys);
  await company.oracle();
  const [older] = await company.producer<{ declines: string[] }[]>`
    select declines from relink.relays where instance = 'hiring-1'`;
  assert.deepEqual(older!.declines, [LINK], 'the older build leaves what it cannot read');
});

for (const transport of TRANSPORTS)
  test(`what a build of before cannot read waits by ${transport} until another process of its service takes it`, async (t) => {
    const [port] = await freePorts(1);
    const company = await InProcessCompany.start(t, {
      link: LINK,
      release: { bonuses: 'COMM-040=v0/v0' },
      ports: { 'bonuses-2': port! },
      address: (service, direct) => (service === CONSUMER ? [direct, `127.0.0.1:${port}`] : direct),
    });
    const [hiring, older] = ['hiring-1', 'bonuses-1'].map((one) => company.nodes.get(one)!);
    const keys = await company.keysFor(8);
    await company.flip(CONSUMER, ALL_LANES, transport, false, 1);
    await company.waitUntilAdopted(CONSUMER);
    older!.kit.requireReadable();
    await company.writeMany(8, keys);
    const why =
      /SolutionCompleted of COMM-040 came in v1, .* reads v0: start a build that reads v1/;
    const waits = () => {
      const { count, reason } = hiring!.kit.blockedLegs().get(legOf(LINK, CONSUMER))!;
      return count > 0 && why.test(reason);
    };
    await until(async () => waits(), { withinMs: WITHIN_MS, what: 'the producer says why' });
    assert.throws(() => older!.kit.requireReadable(), why);
    assert.equal(await company.countOpen(), 8);
    await company.startNode(CONSUMER, 'bonuses-2', '');
    await company.oracle();
    const [letters] = await company.sqlOf.get(CONSUMER)!<{ count: number }[]>`
      select count(*)::int as count from relink.dead_letters`;
    assert.equal(letters!.count, 0);
  });
