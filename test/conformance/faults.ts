/** What transports, consumers and messages do to a link; every test ends in the oracle. */

import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { listDeadLetters } from '../../link/inbox/deadLetters.ts';
import type { BusinessEvent, Change, Handler } from '../../link/inbox/handler.ts';
import { countParked } from '../../link/inbox/ordered.ts';
import { redrive } from '../../link/inbox/redrive.ts';
import { ALL_LANES, type LinkDefinition, type Transport } from '../../link/link.ts';
import type { Transaction } from '../../runtime/postgres.ts';
import { type FaultProxy, startProxy } from '../harness/proxy.ts';
import { until } from '../harness/until.ts';
import { InProcessCompany } from '../rigs/inProcess/company.ts';
import { Courier } from '../rigs/inProcess/courier.ts';
import { consumersOf, loseAnswers, loseStoredMessages, MESSAGES } from './losses.ts';

/** Links and transports at once: a test mostly waits for disks and retries. */
const CONCURRENCY = 3;
/** Each fault ends in an oracle that may wait two minutes for the last receipt. */
const ALL_FAULTS_LIMIT_MS = 900_000;

/** A link on a transport, under its consumers' own handlers. */
interface Subject {
  readonly company: InProcessCompany;
  readonly link: LinkDefinition;
  readonly transport: Transport;
  /** Keys that every handler refuses. */
  readonly poison: Set<string>;
  /** What calls go through. */
  readonly proxies: FaultProxy[];
}

type Fault = (t: TestContext, subject: Subject) => Promise<void>;

const faults: Readonly<Record<string, Fault>> = {
  'applies every message once': async (_t, { company }) => {
    await company.writeMany(MESSAGES, await company.keysFor(MESSAGES));
  },

  'applies a message once that arrives three times': async (t, { company, link, transport }) => {
    const courier = await Courier.start(t, company);
    const rows = await rowsWithoutRelay(company);
    await company.startNode(link.producer);
    for (const [consumer, open] of rows) {
      const how = { transport, consumer, epoch: await epochOf(company, consumer) };
      await courier.carry(open, how);
      await courier.carry(open, how);
    }
  },

  'ends the same when messages arrive in the opposite order': async (t, subject) => {
    const { company, link, transport } = subject;
    const courier = await Courier.start(t, company);
    for (const [consumer, open] of await rowsWithoutRelay(company)) {
      const how = { transport, consumer, epoch: await epochOf(company, consumer) };
      await courier.carry(open.reverse(), how);
    }
    await company.startNode(link.producer);
  },

  'ignores a message that arrives after newer ones by another transport': async (t, subject) => {
    const { company, link, transport } = subject;
    const courier = await Courier.start(t, company);
    const others = link.transports.filter((one) => one !== transport && one !== 'pull');
    const keys = await company.keysFor(2 * MESSAGES);
    const late = await rowsWithoutRelay(company, keys);
    await company.startNode(link.producer);
    const oldEpoch = new Map<string, bigint>();
    for (const consumer of company.consumers) {
      oldEpoch.set(consumer, await epochOf(company, consumer));
      for (const other of others) await company.flip(consumer, [0, 3, 5, 7, 11, 15], other, true);
    }
    await company.writeMany(MESSAGES, keys);
    for (const consumer of company.consumers) await company.waitUntilAdopted(consumer);
    for (const [consumer, rows] of late)
      await courier.carry(rows, { transport, consumer, epoch: oldEpoch.get(consumer)! });
    for (const consumer of others.length > 0 ? company.consumers : []) {
      await company.flip(consumer, ALL_LANES, transport, true);
      await company.waitUntilAdopted(consumer);
    }
  },

  'sends again what the transport lost': async (t, { company, transport, proxies }) => {
    if (transport === 'sync') await loseAnswers(company, proxies);
    else await loseStoredMessages(t, company);
  },

  'gives up a message that never works, applies the others, redrives it once': async (
    _t,
    { company, poison },
  ) => {
    const keys = await company.keysFor(MESSAGES / 2);
    const bad = keys[0]!;
    poison.add(bad);
    await company.writeMany(MESSAGES / 2, keys);
    await untilGivenUp(company);
    await refuseEffects(company, bad);
    poison.clear();
    for (const consumer of company.consumers) await redriveAll(company, consumer);
  },

  'waits for a consumer that is down and goes on when it is back': async (_t, { company }) => {
    const [consumer] = company.consumers as [string];
    const keys = await company.keysFor(MESSAGES);
    await company.writeMany(MESSAGES / 3, keys);
    await company.stopNode(`${consumer}-1`);
    await company.writeMany(MESSAGES / 3, keys);
    await company.startNode(consumer);
    await company.writeMany(MESSAGES / 3, keys);
  },
};

/**
 * Every link on every transport it can be moved to that delivers: one company lives through every
 * fault, one after the other, and the oracle follows each.
 */
export function conform(links: readonly LinkDefinition[]): void {
  const subjects = links.flatMap((link) =>
    link.transports.filter((one) => one !== 'pull').map((transport) => ({ link, transport })),
  );
  describe('conformance', { concurrency: CONCURRENCY }, () => {
    for (const { link, transport } of subjects)
      test(`${link.id} on ${transport}`, { timeout: ALL_FAULTS_LIMIT_MS }, async (t) => {
        const subject = await startSubject(t, link, transport);
        for (const [name, fault] of Object.entries(faults))
          await t.test(name, async (t) => {
            try {
              await fault(t, subject);
              await subject.company.oracle();
            } finally {
              // What fails here must not fail the next one as well.
              subject.poison.clear();
            }
          });
      });
  });
}

async function startSubject(
  t: TestContext,
  link: LinkDefinition,
  transport: Transport,
): Promise<Subject> {
  const poison = new Set<string>();
  const proxies: FaultProxy[] = [];
  const company = await InProcessCompany.start(t, {
    link: link.id,
    transport,
    wrap: (handler) => failingOn(handler, (key) => poison.has(key)),
    address: async (_consumer, address) => {
      const proxy = await startProxy(t, { port: Number(address.split(':')[1]) });
      proxies.push(proxy);
      return proxy.address;
    },
  });
  return { company, link, transport, poison, proxies };
}

// ---- small things ----

/** Stops the relay, writes, and answers what it would read for each consumer. */
async function rowsWithoutRelay(company: InProcessCompany, keys?: readonly string[]) {
  const { producer } = company.link;
  await company.stopNode(`${producer}-1`);
  await company.writeMany(MESSAGES, keys ?? (await company.keysFor(MESSAGES)));
  const rows = new Map<string, Awaited<ReturnType<InProcessCompany['openRows']>>>();
  for (const consumer of company.consumers) rows.set(consumer, await company.openRows(consumer));
  return rows;
}

async function epochOf(company: InProcessCompany, consumer: string): Promise<bigint> {
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
    return {
      ...handler,
      apply: async (tx: Transaction, event: BusinessEvent) => {
        refuse(event.key);
        return handler.apply(tx, event);
      },
    };
  return {
    ...handler,
    apply: async (tx: Transaction, changes: readonly Change[]) => {
      for (const { key } of changes) refuse(key);
      return handler.apply(tx, changes);
    },
  };
}

/** Nothing is open but what waits at a consumer behind a message of its key that was given up. */
async function untilGivenUp(company: InProcessCompany): Promise<void> {
  const { id } = company.link;
  await until(
    async () => {
      const parked = consumersOf(company).map((sql) => countParked(sql, id));
      const waiting = (await Promise.all(parked)).reduce((sum, one) => sum + one, 0);
      return (await company.countOpen()) === waiting;
    },
    { withinMs: 120_000, what: 'only parked messages are open' },
  );
}

/** Neither what was given up had an effect, nor what comes behind it. */
async function refuseEffects(company: InProcessCompany, key: string): Promise<void> {
  const recorded = company.fixture.kind === 'formal' ? 'effects' : 'applied';
  for (const sql of consumersOf(company)) {
    const effects = await sql`select from ${sql(recorded)} where key = ${key}`;
    assert.equal(effects.length, 0);
  }
}

async function redriveAll(company: InProcessCompany, consumer: string): Promise<void> {
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
