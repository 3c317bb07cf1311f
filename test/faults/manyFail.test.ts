/** A consumer whose handler fails for everything is paused, and nothing of that becomes a dead letter. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { listDeadLetters } from '../../link/inbox/deadLetters.ts';
import type { Change, Handler } from '../../link/inbox/handler.ts';
import type { Transaction } from '../../runtime/postgres.ts';
import { until } from '../harness/until.ts';
import { InProcessCompany, someKeys } from '../rigs/inProcess/company.ts';

const LINK = 'COMM-010';
const CONSUMER = 'hiring';
const LEG = `${LINK}/${CONSUMER}`;
const KEYS = 60;
const MESSAGES = 120;
const patient = { withinMs: 60_000, everyMs: 20 };

// Side by side: most of the time is waiting for the next try.
describe('messages of many keys that fail', { concurrency: 4 }, () => {
  for (const transport of ['sync', 'async'] as const) {
    test(`on ${transport}, for a table that is missing for a while, cost no dead letter`, async (t) => {
      const company = await InProcessCompany.start(t, { link: LINK, transport });
      const hiring = company.sqlOf.get(CONSUMER)!;
      await hiring`alter table manager_replicas rename to elsewhere`;
      await company.writeMany(MESSAGES, someKeys(KEYS));
      const reason = await pauseOf(company);
      assert.match(reason, /manager_replicas/);
      await hiring`alter table elsewhere rename to manager_replicas`;
      await untilDelivered(company);
      assert.deepEqual(await deadKeys(company), []);
      assert.equal(company.nodes.get(`${CONSUMER}-1`)!.kit.consumedLegs().get(LEG), undefined);
      await company.oracle();
    });

    test(`on ${transport}, by whatever fault, are applied afterwards; one poison message among good ones is not spared`, async (t) => {
      let isBroken = true;
      const [poison, ...good] = someKeys(KEYS) as [string];
      const company = await InProcessCompany.start(t, {
        ...{ link: LINK, transport },
        wrap: (handler, consumer) =>
          consumer === CONSUMER ? failing(handler, (key) => isBroken || key === poison) : handler,
      });
      await company.writeMany(MESSAGES, good);
      assert.match(await pauseOf(company), /broken/);
      assert.deepEqual(await deadKeys(company), []);
      isBroken = false;
      await untilDelivered(company);
      assert.deepEqual(await deadKeys(company), []);
      const traffic = company.writeContinuously(good, 1, 5);
      await company.write(poison);
      const isBuried = async () => (await deadKeys(company)).length > 0;
      await until(isBuried, { what: 'the poison message is a dead letter', ...patient });
      await traffic.stop();
      await untilDelivered(company);
      assert.deepEqual(await deadKeys(company), [poison]);
    });
  }
});

function failing(handler: Handler, fails: (key: string) => boolean): Handler {
  assert.ok(handler.kind === 'formal');
  return {
    ...handler,
    apply: async (tx: Transaction, changes: readonly Change[]) => {
      if (changes.some(({ key }) => fails(key))) throw new TypeError('broken');
      return handler.apply(tx, changes);
    },
  };
}

/** Why the consumer pauses, once it does. */
async function pauseOf(company: InProcessCompany): Promise<string> {
  const pause = () => company.nodes.get(`${CONSUMER}-1`)!.kit.consumedLegs().get(LEG);
  await until(() => pause() !== undefined, { what: 'it pauses', ...patient });
  return pause()!.reason;
}

async function untilDelivered(company: InProcessCompany): Promise<void> {
  const isDone = async () => (await company.countOpen()) === 0;
  await until(isDone, { what: 'all is delivered', ...patient });
}

async function deadKeys(company: InProcessCompany): Promise<string[]> {
  const letters = await listDeadLetters(company.sqlOf.get(CONSUMER)!, { limit: 1_000 });
  return letters.map(({ key }) => key);
}
