/** What transports, consumers and messages do to a link; every test ends in the oracle. */
import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { listDeadLetters } from '../../link/inbox/deadLetters.ts';
import { formal, functional, type Handler } from '../../link/inbox/handler.ts';
import { countParked } from '../../link/inbox/ordered.ts';
import { redrive } from '../../link/inbox/redrive.ts';
import type { LinkDefinition, Transport } from '../../link/link.ts';
import { until } from '../harness/until.ts';
import { Company } from './company.ts';
import { Courier } from './courier.ts';
import { consumersOf, loseAnswers, loseStoredMessages, MESSAGES } from './losses.ts';

/** Companies at once: a test mostly waits for disks. */
const CONCURRENCY = 3;

type Fault = (t: TestContext, link: LinkDefinition, transport: Transport) => Promise<void>;

const faults: Readonly<Record<string, Fault>> = {
  'applies every message once': async (t, link, transport) => {
    const company = await Company.start(t, { link: link.id, transport });
    await company.writeMany(MESSAGES, await company.keysFor(MESSAGES));
    await company.oracle();
  },

  'applies a message once that arrives three times': async (t, link, transport) => {
    const company = await Company.start(t, { link: link.id, transport });
    const courier = await Courier.start(t, company);
    const rows = await rowsBeforeRelay(company);
    for (const [consumer, open] of rows) {
      const how = { transport, consumer, epoch: await epochOf(company, consumer) };
      await courier.carry(open, how);
      await courier.carry(open, how);
    }
    await company.oracle();
  },

  'ends the same when messages arrive in the opposite order': async (t, link, transport) => {
    const company = await Company.start(t, {
      link: link.id,
      transport,
      elsewhere: [link.producer],
    });
    const courier = await Courier.start(t, company);
    await company.writeMany(MESSAGES, await company.keysFor(MESSAGES));
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
    const keys = await company.keysFor(2 * MESSAGES);
    const late = await rowsBeforeRelay(company, keys);
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
    let poison: string | undefined;
    const company = await Company.start(t, {
      link: link.id,
      transport,
      wrap: (handler) => failingOn(handler, (key) => key === poison),
    });
    const keys = await company.keysFor(MESSAGES / 2);
    poison = keys[0]!;
    await company.writeMany(MESSAGES / 2, keys);
    await untilGivenUp(company);
    await refuseEffects(company, poison);
    poison = undefined;
    for (const consumer of company.consumers) await redriveAll(company, consumer);
    await company.oracle();
  },

  'waits for a consumer that is down and goes on when it is back': async (t, link, transport) => {
    const company = await Company.start(t, { link: link.id, transport });
    const [consumer] = company.consumers as [string];
    const keys = await company.keysFor(MESSAGES);
    await company.writeMany(MESSAGES / 3, keys);
    await company.stopNode(`${consumer}-1`);
    await company.writeMany(MESSAGES / 3, keys);
    await company.startNode(consumer);
    await company.writeMany(MESSAGES / 3, keys);
    await company.oracle();
  },
};

/** Every link on every transport it can be moved to that delivers, under every fault. */
export function conform(links: readonly LinkDefinition[]): void {
  for (const link of links)
    describe(`${link.id}`, () => {
      for (const transport of link.transports.filter((one) => one !== 'pull'))
        describe(`on ${transport}`, { concurrency: CONCURRENCY }, () => {
          for (const [name, fault] of Object.entries(faults))
            test(name, (t) => fault(t, link, transport));
        });
    });
}

// ---- small things ----

/** Writes while no relay runs, and answers the rows of each consumer; then the relay runs again. */
async function rowsBeforeRelay(company: Company, keys?: readonly string[]) {
  const { producer } = company.link;
  await company.stopNode(`${producer}-1`);
  await company.writeMany(MESSAGES, keys ?? (await company.keysFor(MESSAGES)));
  const rows = new Map<string, Awaited<ReturnType<Company['openRows']>>>();
  for (const consumer of company.consumers) rows.set(consumer, await company.openRows(consumer));
  await company.startNode(producer);
  return rows;
}

async function epochOf(company: Company, consumer: string): Promise<bigint> {
  const [row] = await company.producer<{ epoch: bigint }[]>`
    select max(adopted_epoch) as epoch from relink.routes
    where leg = ${`${company.link.id}/${consumer}`}`;
  return row!.epoch;
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

/** Nothing is open but what waits at a consumer behind a message of its key that was given up. */
async function untilGivenUp(company: Company): Promise<void> {
  const { id } = company.link;
  await until(
    async () => {
      const parked = consumersOf(company).map((sql) => countParked(sql, id));
      const waiting = (await Promise.all(parked)).reduce((sum, one) => sum + one, 0);
      return (await company.countOpen()) === waiting;
    },
    { withinMs: 60_000, what: 'only parked messages are open' },
  );
}

/** Neither what was given up had an effect, nor what comes behind it. */
async function refuseEffects(company: Company, key: string): Promise<void> {
  const recorded = company.fixture.kind === 'formal' ? 'effects' : 'applied';
  for (const sql of consumersOf(company)) {
    const effects = await sql`select from ${sql(recorded)} where key = ${key}`;
    assert.equal(effects.length, 0);
  }
}

async function redriveAll(company: Company, consumer: string): Promise<void> {
  const sql = company.sqlOf.get(consumer)!;
  const { link } = company;
  const dead = await listDeadLetters(sql, { link: link.id, limit: 1_000 });
  for (const { id } of dead) {
    const clicks = Array.from({ length: 3 }, () =>
      redrive(sql, link, company.handlerOf(consumer), id, 'test'),
    );
    const outcomes = (await Promise.all(clicks)).map((result) => result.outcome);
    if (outcomes.filter((outcome) => outcome !== 'gone').length !== 1)
      throw new Error(`redriven ${outcomes}`);
  }
  if (dead.length === 0) throw new Error(`${consumer} gave nothing up`);
}
