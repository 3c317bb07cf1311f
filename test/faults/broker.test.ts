/** The broker dies, forgets, or swallows its acknowledgements. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { jetstreamManager } from '@nats-io/jetstream';
import { Participants } from '../../migration/participants.ts';
import { keepRoom } from '../../migration/streams/room.ts';
import { connectNats } from '../../runtime/nats.ts';
import { startProxy } from '../harness/proxy.ts';
import { until } from '../harness/until.ts';
import { InProcessCompany, someKeys } from '../rigs/inProcess/company.ts';

const LINK = 'COMM-010';
const KEYS = 24;
/** Rows that wait for the broker prove that it was missed. */
const WAITING = 200;
const WRITE_EVERY_MS = 10;

for (const emptyStore of [false, true])
  test(`a broker that comes back ${emptyStore ? 'without its store' : 'as it was'} costs no message`, (t) =>
    outlive(t, emptyStore));

async function outlive(t: TestContext, emptyStore: boolean): Promise<void> {
  const company = await InProcessCompany.start(t, { link: LINK, transport: 'async' });
  const writing = company.writeContinuously(someKeys(KEYS), 2, WRITE_EVERY_MS);
  await until(async () => (await settled(company)) > WAITING, { what: 'traffic', ...patient });
  await company.nats.kill();
  // Nothing closes a row but its receipt.
  await until(async () => (await company.countOpen()) > WAITING, { what: 'rows wait', ...patient });
  const before = await settled(company);
  await company.nats.start({ emptyStore });
  if (emptyStore) await company.provision();
  const flows = async () => (await settled(company)) > before + WAITING;
  await until(flows, { what: 'it flows', ...patient });
  await writing.stop();
  await company.oracle();
}

test('what the broker acknowledged and forgot is sent again', async (t) => {
  const company = await InProcessCompany.start(t, { link: LINK, transport: 'async' });
  for (const consumer of company.consumers) await company.stopNode(`${consumer}-1`);
  await company.writeMany(WAITING, someKeys(KEYS));
  await until(async () => (await company.countStored()) >= WAITING, {
    what: 'all is stored and acknowledged',
    ...patient,
  });
  await company.nats.kill();
  await company.nats.start({ emptyStore: true });
  await company.provision();
  for (const consumer of company.consumers) await company.startNode(consumer);
  await company.oracle();
});

test('a publish that seems to fail although it was stored has one effect', async (t) => {
  const proxies: Awaited<ReturnType<typeof startProxy>>[] = [];
  const company = await InProcessCompany.start(t, {
    link: LINK,
    transport: 'async',
    natsUrl: async (service, url) => {
      if (service !== 'assessments') return url;
      const proxy = await startProxy(t, { port: Number(new URL(url).port) });
      proxies.push(proxy);
      return proxy.through(url);
    },
  });
  const [proxy] = proxies;
  proxy!.blackHole(['toClient']);
  await company.writeMany(WAITING, someKeys(KEYS));
  const inboxes = company.consumers.map((consumer) => company.sqlOf.get(consumer)!);
  for (const sql of inboxes)
    await until(async () => (await sql`select 1 from relink.inbox`).length === WAITING, {
      what: 'all effects are there',
      ...patient,
    });
  assert.equal(await company.countOpen(), WAITING * inboxes.length, 'no receipt, no closed row');
  await proxy!.restore();
  await company.oracle();
});

test('a full stream refuses what is new: the link says so, nothing is lost, and it goes on when there is room', async (t) => {
  const company = await InProcessCompany.start(t, { link: LINK, transport: 'async' });
  const { connection, close } = await connectNats(company.nats.url, { name: 'operator' });
  t.after(close);
  const manager = await jetstreamManager(connection);
  const { config } = await manager.streams.update(LINK, { max_bytes: 64 * 1_024 });
  for (const consumer of company.consumers) await company.stopNode(`${consumer}-1`);
  await company.writeMany(WAITING, someKeys(KEYS));
  const operator = new Participants(
    Object.fromEntries([...company.addresses].map(([name, address]) => [name, [address]])),
  );
  t.after(() => operator.close());
  const blocked = async () => {
    const request = { link: LINK, consumer: 'hiring' };
    return (await operator.of('assessments').getProgress(request)).blockedReason;
  };
  await until(async () => /maximum bytes exceeded \(10077\)/.test(await blocked()), {
    what: 'the link says why it waits',
    ...patient,
  });
  assert.ok((await manager.streams.info(LINK)).state.bytes <= config.max_bytes);
  for (const consumer of company.consumers) await company.startNode(consumer);
  await until(
    async () => {
      await keepRoom(manager, LINK);
      return (await company.countOpen()) === 0;
    },
    { what: 'all is settled', ...patient },
  );
  await company.oracle();
});

/** After an outage clients and relays come back in their own time. */
const patient = { withinMs: 120_000, everyMs: 50 };

async function settled(company: InProcessCompany): Promise<number> {
  const [row] = await company.sqlOf.get('hiring')!<{ settled: number }[]>`
    select count(*)::int as settled from relink.inbox`;
  return row!.settled;
}
