/**
 * What every link keeps on every transport it can be moved to, whatever the transport does: the suite
 * is the interface. A new formal link takes part by being on the map, with a fixture that exercises it.
 */
import { describe, type TestContext, test } from 'node:test';
import { jetstreamManager } from '@nats-io/jetstream';
import { setListening } from '../../link/consume/listening.ts';
import { listDeadLetters } from '../../link/inbox/deadLetters.ts';
import { formal, functional, type Handler } from '../../link/inbox/handler.ts';
import { redrive } from '../../link/inbox/redrive.ts';
import type { LinkDefinition, Transport } from '../../link/link.ts';
import { connectNats } from '../../runtime/nats.ts';
import { links } from '../../services/links.ts';
import { type FaultProxy, startProxy } from '../harness/proxy.ts';
import { until } from '../harness/until.ts';
import { Company, someKeys } from './company.ts';
import { Courier } from './courier.ts';

/** Few keys, many versions: that is where order and repetition can hurt. */
const KEYS = 12;
const MESSAGES = 120;
const CUTS = 5;
/** Companies at once: a test mostly waits for disks. */
const CONCURRENCY = 3;

type Fault = (t: TestContext, link: LinkDefinition, transport: Transport) => Promise<void>;

const faults: Readonly<Record<string, Fault>> = {
  'applies every message once': async (t, link, transport) => {
    const company = await Company.start(t, { link: link.id, transport });
    await company.writeMany(MESSAGES, someKeys(KEYS));
    await company.oracle();
  },

  'applies a message once that arrives three times': async (t, link, transport) => {
    const company = await Company.start(t, { link: link.id, transport });
    const courier = await Courier.start(t, company);
    const rows = await rowsBeforeRelay(company, link);
    for (const [consumer, open] of rows) {
      const how = { transport, consumer, epoch: await epochOf(company, consumer) };
      await courier.carry(open, how);
      await courier.carry(open, how);
    }
    await company.oracle();
  },

  'keeps the newest state when messages arrive in the opposite order': async (
    t,
    link,
    transport,
  ) => {
    const company = await Company.start(t, {
      link: link.id,
      transport,
      elsewhere: [link.producer],
    });
    const courier = await Courier.start(t, company);
    await company.writeMany(MESSAGES, someKeys(KEYS));
    for (const consumer of company.consumers) {
      const reversed = (await company.openRows(consumer)).reverse();
      const how = { transport, consumer, epoch: await epochOf(company, consumer) };
      await courier.carry(reversed, how);
    }
    await company.startNode(link.producer);
    await company.oracle();
  },

  'ignores a message that arrives after newer ones by another transport': async (
    t,
    link,
    transport,
  ) => {
    const company = await Company.start(t, { link: link.id, transport });
    const courier = await Courier.start(t, company);
    const keys = someKeys(KEYS);
    const late = await rowsBeforeRelay(company, link, keys);
    const oldEpoch = new Map<string, bigint>();
    for (const consumer of company.consumers) {
      oldEpoch.set(consumer, await epochOf(company, consumer));
      for (const other of link.transports.filter((one) => one !== transport && one !== 'pull'))
        await company.flip(consumer, [0, 3, 5, 7, 11, 15], other, true);
    }
    await company.writeMany(MESSAGES, keys);
    for (const consumer of company.consumers) await company.waitUntilAdopted(consumer);
    for (const [consumer, rows] of late)
      await courier.carry(rows, { transport, consumer, epoch: oldEpoch.get(consumer)! });
    await company.oracle();
  },

  'sends again what the transport lost': async (t, link, transport) => {
    if (transport === 'sync') await loseAnswers(t, link);
    else await loseStoredMessages(t, link);
  },

  'gives up a message that never works, applies the others, redrives it once': async (
    t,
    link,
    transport,
  ) => {
    const poison = someKeys(1)[0]!;
    let isBroken = true;
    const company = await Company.start(t, {
      link: link.id,
      transport,
      wrap: (handler) => failingOn(handler, (key) => isBroken && key === poison),
    });
    await company.writeMany(MESSAGES / 2, [poison, ...someKeys(KEYS)]);
    await untilClosed(company);
    isBroken = false;
    for (const consumer of company.consumers) await redriveAll(company, consumer);
    await company.oracle();
  },

  'waits for a consumer that is down and goes on when it is back': async (t, link, transport) => {
    const company = await Company.start(t, { link: link.id, transport });
    const [consumer] = company.consumers as [string];
    const keys = someKeys(KEYS);
    await company.writeMany(MESSAGES / 3, keys);
    await company.stopNode(`${consumer}-1`);
    await company.writeMany(MESSAGES / 3, keys);
    await company.startNode(consumer);
    await company.writeMany(MESSAGES / 3, keys);
    await company.oracle();
  },
};

// The oracle compares states of entities, which formal links carry.
for (const link of Object.values(links).filter((one) => one.kind === 'formal'))
  describe(`${link.id}`, () => {
    for (const transport of link.transports.filter((one) => one !== 'pull'))
      describe(`on ${transport}`, { concurrency: CONCURRENCY }, () => {
        for (const [name, fault] of Object.entries(faults))
          test(name, (t) => fault(t, link, transport));
      });
  });

// ---- how transports lose things ----

/** Answers of calls are lost, some before and some after the consumer's commit. */
async function loseAnswers(t: TestContext, link: LinkDefinition): Promise<void> {
  const proxies: FaultProxy[] = [];
  const company = await Company.start(t, {
    link: link.id,
    transport: 'sync',
    address: async (_consumer, address) => {
      const proxy = await startProxy(t, { port: Number(address.split(':')[1]) });
      proxies.push(proxy);
      return proxy.address;
    },
  });
  const keys = someKeys(KEYS);
  for (let cuts = 0; cuts < CUTS; cuts++) {
    await company.writeMany(MESSAGES / CUTS, keys);
    const isAtWork = () => proxies.some((proxy) => proxy.connections > 0);
    await until(async () => isAtWork() || (await company.countOpen()) === 0, { what: 'calls' });
    for (const proxy of proxies) proxy.cut();
  }
  await company.oracle();
}

/** Stored and acknowledged messages vanish from the stream before anybody consumed them. */
async function loseStoredMessages(t: TestContext, link: LinkDefinition): Promise<void> {
  const company = await Company.start(t, { link: link.id, transport: 'async' });
  for (const sql of consumersOf(company)) await setListening(sql, link.id, false);
  const nats = await connectNats(company.nats.url, { name: 'purge' });
  t.after(() => nats.close());
  const manager = await jetstreamManager(nats.connection);
  await until(
    async () => {
      const all = company.consumers.map((name) => manager.consumers.info(link.id, name));
      return (await Promise.all(all)).every((info) => info.num_waiting === 0);
    },
    { what: 'nobody consumes' },
  );
  await company.writeMany(MESSAGES, someKeys(KEYS));
  const stored = async () => (await manager.streams.info(link.id)).state.messages;
  await until(async () => (await stored()) >= MESSAGES, { what: 'everything is stored' });
  await manager.streams.purge(link.id);
  for (const sql of consumersOf(company)) await setListening(sql, link.id, true);
  await company.oracle();
}

// ---- small things ----

/** Writes while no relay runs, and answers the rows of each consumer; then the relay runs again. */
async function rowsBeforeRelay(company: Company, link: LinkDefinition, keys = someKeys(KEYS)) {
  await company.stopNode(`${link.producer}-1`);
  await company.writeMany(MESSAGES, keys);
  const rows = new Map<string, Awaited<ReturnType<Company['openRows']>>>();
  for (const consumer of company.consumers) rows.set(consumer, await company.openRows(consumer));
  await company.startNode(link.producer);
  return rows;
}

async function epochOf(company: Company, consumer: string): Promise<bigint> {
  const [row] = await company.producer<{ epoch: bigint }[]>`
    select max(adopted_epoch) as epoch from relink.routes
    where leg = ${`${company.link.id}/${consumer}`}`;
  return row!.epoch;
}

function consumersOf(company: Company) {
  return company.consumers.map((name) => company.sqlOf.get(name)!);
}

function failingOn(handler: Handler, isBad: (key: string) => boolean): Handler {
  const refuse = (key: string) => {
    if (isBad(key)) throw new Error('the handler does not like this one');
  };
  if (handler.kind === 'functional')
    return functional(async (tx, event) => {
      refuse(event.key);
      return handler.apply(tx, event);
    });
  return formal(async (tx, changes) => {
    for (const { key } of changes) refuse(key);
    return handler.apply(tx, changes);
  });
}

async function untilClosed(company: Company): Promise<void> {
  await until(async () => (await company.countOpen()) === 0, {
    withinMs: 60_000,
    what: 'no outbox row is open',
  });
}

async function redriveAll(company: Company, consumer: string): Promise<void> {
  const sql = company.sqlOf.get(consumer)!;
  const { link, fixture } = company;
  const dead = await listDeadLetters(sql, { link: link.id, limit: 1_000 });
  for (const { id } of dead) {
    const clicks = Array.from({ length: 3 }, () =>
      redrive(sql, link, fixture.handlers[consumer]!, id, 'test'),
    );
    const outcomes = (await Promise.all(clicks)).map((result) => result.outcome);
    if (outcomes.filter((outcome) => outcome !== 'gone').length !== 1)
      throw new Error(`redriven ${outcomes}`);
  }
  if (dead.length === 0) throw new Error(`${consumer} gave nothing up`);
}
