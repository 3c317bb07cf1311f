/** Order as a property: whatever a transport makes of an ordered link's messages, effects are exact. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { legOf, type Transport } from '../../link/link.ts';
import type { OutboxRow } from '../../link/outbox/openRows.ts';
import { links } from '../../services/links.ts';
import { until } from '../harness/until.ts';
import { InProcessCompany, someKeys } from '../rigs/inProcess/company.ts';
import { Courier } from '../rigs/inProcess/courier.ts';

const RUNS = 30;
const KEYS_MAX = 5;
/** Each message comes so often. */
const COPIES = 2;
const WITHIN_MS = 60_000;

/** One delivery: the message's place among all, and how it travels. */
type Carried = readonly [message: number, transport: Transport];

interface Disorder {
  /** How many messages there are of each key. */
  readonly counts: readonly number[];
  /** Two couriers are under way at once, each with these, one after the other. */
  readonly couriers: readonly (readonly Carried[])[];
}

function disorders(transports: readonly Transport[], perKey: number): fc.Arbitrary<Disorder> {
  const counts = fc.array(fc.integer({ min: 1, max: perKey }), {
    minLength: 1,
    maxLength: KEYS_MAX,
  });
  return counts.chain((counts) => {
    const messages = counts.reduce((sum, one) => sum + one, 0);
    const copies = Array.from({ length: messages * COPIES }, (_, i) => i % messages);
    const { length } = copies;
    const order = fc.shuffledSubarray(copies, { minLength: length, maxLength: length });
    const ways = fc.array(fc.constantFrom(...transports), { minLength: length, maxLength: length });
    return fc.tuple(order, ways, fc.nat({ max: length })).map(([order, ways, cut]) => {
      const all = order.map((message, i): Carried => [message, ways[i]!]);
      return { counts, couriers: [all.slice(0, cut), all.slice(cut)] };
    });
  });
}

for (const link of Object.values(links).filter((one) => one.ordered))
  describe(link.id, () => {
    const transports = link.transports.filter((one) => one !== 'pull');
    test(`messages in any order, doubled, by ${transports.join(' and ')} at once, have each its effect in turn`, async (t) => {
      const company = await InProcessCompany.start(t, {
        link: link.id,
        elsewhere: [link.producer],
      });
      const courier = await Courier.start(t, company);
      const { fixture } = company;
      assert.ok(fixture.kind === 'functional');
      const disorder = disorders(transports, fixture.messagesPerKey);
      await fc.assert(
        fc.asyncProperty(disorder, (one) => runDisorder(company, courier, one)),
        { numRuns: RUNS },
      );
      // Only now the relay sends what is open: everything is there already.
      await company.startNode(link.producer);
      await company.oracle();
    });
  });

async function runDisorder(company: InProcessCompany, courier: Courier, disorder: Disorder) {
  const keys = someKeys(disorder.counts.length);
  for (const [i, count] of disorder.counts.entries())
    for (let n = 0; n < count; n += 1) await company.write(keys[i]);
  const [consumer] = company.consumers as [string];
  const rows = (await company.openRows(consumer)).filter((row) => keys.includes(row.key));
  const epoch = await epochOf(company, consumer);
  const carryAll = async (some: readonly Carried[]) => {
    for (const [message, transport] of some)
      await courier.carry([rows[message]!], { transport, consumer, epoch });
  };
  await Promise.all(disorder.couriers.map(carryAll));
  await until(async () => (await appliedOf(company, consumer, keys)).length >= rows.length, {
    withinMs: WITHIN_MS,
    what: 'everything is applied',
  });
  assert.deepEqual(await appliedOf(company, consumer, keys), inTurn(rows));
}

/** Keys and versions in the order they were applied in, key by key. */
async function appliedOf(company: InProcessCompany, consumer: string, keys: readonly string[]) {
  const rows = await company.sqlOf.get(consumer)!<{ key: string; version: bigint }[]>`
    select key, version from applied where key = any(${keys as string[]}) order by key, seq`;
  return rows.map(({ key, version }) => `${key} v${version}`);
}

function inTurn(rows: readonly OutboxRow[]): string[] {
  return rows.map(({ key, version }) => `${key} v${version}`).sort();
}

async function epochOf({ producer, link }: InProcessCompany, consumer: string): Promise<bigint> {
  const [row] = await producer<{ epoch: bigint }[]>`
    select max(adopted_epoch) as epoch from relink.routes where leg = ${legOf(link.id, consumer)}`;
  return row!.epoch;
}
