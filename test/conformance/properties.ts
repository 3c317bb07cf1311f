/** What a link keeps whatever transports, consumers and messages do to it: a function each. */
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { listDeadLetters } from '../../link/inbox/deadLetters.ts';
import { countParked } from '../../link/inbox/ordered.ts';
import { redrive } from '../../link/inbox/redrive.ts';
import { ALL_LANES } from '../../link/link.ts';
import { until } from '../harness/until.ts';
import type { InProcessCompany } from '../rigs/inProcess/company.ts';
import { Courier } from '../rigs/inProcess/courier.ts';
import { consumersOf, loseAnswers, loseStoredMessages, MESSAGES } from './losses.ts';
import type { Subject } from './subject.ts';

/** Leaves the company as it found it; the caller asks the oracle. */
type Property = (t: TestContext, subject: Subject) => Promise<void>;

/** In any order: each runs alone as well. */
export const properties: Readonly<Record<string, Property>> = {
  'applies every message once': appliesEveryMessageOnce,
  'applies a message once that arrives three times': appliesRepeatedMessageOnce,
  'ends the same when messages arrive in the opposite order': endsTheSameInOppositeOrder,
  'ignores a message that arrives after newer ones by another transport':
    ignoresWhatNewerOnesOvertook,
  'sends again what the transport lost': sendsAgainWhatWasLost,
  'gives up a message that never works, applies the others, redrives it once':
    givesUpAndRedrivesOnce,
  'waits for a consumer that is down and goes on when it is back': waitsForConsumerThatIsDown,
};

async function appliesEveryMessageOnce(_t: TestContext, { company }: Subject): Promise<void> {
  await company.writeMany(MESSAGES, await company.keysFor(MESSAGES));
}

async function appliesRepeatedMessageOnce(
  t: TestContext,
  { company, link, transport }: Subject,
): Promise<void> {
  const courier = await Courier.start(t, company);
  const rows = await rowsWithoutRelay(company);
  await company.startNode(link.producer);
  for (const [consumer, open] of rows) {
    const how = { transport, consumer, epoch: await epochOf(company, consumer) };
    await courier.carry(open, how);
    await courier.carry(open, how);
  }
}

async function endsTheSameInOppositeOrder(t: TestContext, subject: Subject): Promise<void> {
  const { company, link, transport } = subject;
  const courier = await Courier.start(t, company);
  for (const [consumer, open] of await rowsWithoutRelay(company)) {
    const how = { transport, consumer, epoch: await epochOf(company, consumer) };
    await courier.carry(open.reverse(), how);
  }
  await company.startNode(link.producer);
}

async function ignoresWhatNewerOnesOvertook(t: TestContext, subject: Subject): Promise<void> {
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
}

async function sendsAgainWhatWasLost(
  t: TestContext,
  { company, transport, proxies }: Subject,
): Promise<void> {
  if (transport === 'sync') await loseAnswers(company, proxies);
  else await loseStoredMessages(t, company);
}

async function givesUpAndRedrivesOnce(
  _t: TestContext,
  { company, poison }: Subject,
): Promise<void> {
  const keys = await company.keysFor(MESSAGES / 2);
  const bad = keys[0]!;
  poison.add(bad);
  await company.writeMany(MESSAGES / 2, keys);
  await untilGivenUp(company);
  await refuseEffects(company, bad);
  poison.clear();
  for (const consumer of company.consumers) await redriveAll(company, consumer);
}

async function waitsForConsumerThatIsDown(_t: TestContext, { company }: Subject): Promise<void> {
  const [consumer] = company.consumers as [string];
  const keys = await company.keysFor(MESSAGES);
  await company.writeMany(MESSAGES / 3, keys);
  await company.stopNode(`${consumer}-1`);
  await company.writeMany(MESSAGES / 3, keys);
  await company.startNode(consumer);
  await company.writeMany(MESSAGES / 3, keys);
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
