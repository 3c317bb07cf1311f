/** Somebody keeps one row of a consumer locked, as a report or a person in a console does. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Database } from '../../runtime/postgres.ts';
import { until } from '../harness/until.ts';
import { InProcessCompany, someKeys } from '../rigs/inProcess/company.ts';

const CONSUMER = 'hiring';
const WRITES = 200;
/** Seconds of a lock wait, on a busy machine. */
const ARRIVE_WITHIN_MS = 10_000;
const patient = { withinMs: 60_000, everyMs: 20 };

describe('a row that stays locked', { concurrency: 2 }, () => {
  for (const transport of ['sync', 'async'] as const)
    test(`holds up no other key on ${transport}, and costs no message`, async (t) => {
      const company = await InProcessCompany.start(t, { link: 'COMM-010', transport });
      const hiring = company.sqlOf.get(CONSUMER)!;
      const [hot, ...others] = someKeys(30) as [string];
      await company.write(hot);
      await until(async () => (await countOf(hiring, [hot])) === 1, {
        what: 'it is there',
        ...patient,
      });
      const unlock = await lock(hiring, hot);
      await company.writeMany(WRITES, [hot]);
      const startedMs = performance.now();
      await company.writeMany(others.length, others);
      const haveArrived = async () => (await countOf(hiring, others)) === others.length;
      await until(haveArrived, { what: 'the other keys arrive', ...patient });
      const tookMs = performance.now() - startedMs;
      assert.ok(tookMs < ARRIVE_WITHIN_MS, `other keys took ${tookMs} ms`);
      await unlock();
      const isDone = async () => (await company.countOpen()) === 0;
      await until(isDone, { what: 'all is delivered', ...patient });
      assert.equal((await hiring`select from relink.dead_letters`).length, 0);
      await company.oracle();
    });
});

async function countOf(sql: Database, keys: readonly string[]): Promise<number> {
  const rows = await sql`select from manager_replicas where id = any(${keys as string[]}::uuid[])`;
  return rows.length;
}

async function lock(sql: Database, key: string): Promise<() => Promise<void>> {
  const [locked, unlocked] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const holding = sql.begin(async (tx) => {
    await tx`select from manager_replicas where id = ${key} for update`;
    locked.resolve();
    await unlocked.promise;
  });
  await locked.promise;
  return async () => {
    unlocked.resolve();
    await holding;
  };
}
