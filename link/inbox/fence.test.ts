/** The receiver's fence, on databases whose role has another isolation level by default. */
import assert from 'node:assert/strict';
import { randomUUIDv7 } from 'node:crypto';
import { type TestContext, test } from 'node:test';
import { applyExpand } from '../../db/schemaChanges.ts';
import { closePostgres, connectPostgres } from '../../runtime/postgres.ts';
import { testDatabase } from '../../test/harness/postgres.ts';
import { withDefaults } from '../../test/harness/roleDefaults.ts';
import { until } from '../../test/harness/until.ts';
import { enterInbox } from './deduplicate.ts';
import type { Delivery } from './delivery.ts';

const LINK = 'COMM-010';
const template = { name: 'link', fill: (url: string) => applyExpand(url, ['link']) };

for (const level of ['read committed', 'repeatable read', 'serializable'])
  test(`a message of an older epoch that waited for a fence is not entered (default: ${level})`, async (t) => {
    const { sql, waiting } = await open(t, level);
    const [held, raised] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const raising = sql.begin(async (tx) => {
      await tx`select pg_advisory_xact_lock(7070002, hashtext(${LINK}))`;
      await tx`insert into relink.fences (link, lane, min_epoch) values (${LINK}, 0, 2)`;
      held.resolve();
      await raised.promise;
    });
    await held.promise;
    const entering = sql.begin((tx) => enterInbox(tx, LINK, [deliveryOf(1n)]));
    await until(async () => (await waiting()) === 1, { what: 'it waits for the fence' });
    raised.resolve();
    await raising;
    assert.equal(await entering, 0);
    const newer = await sql.begin((tx) => enterInbox(tx, LINK, [deliveryOf(2n)]));
    assert.equal(newer, 1);
  });

async function open(t: TestContext, level: string) {
  const { url } = await testDatabase(t, template);
  await withDefaults(url, { default_transaction_isolation: level });
  const sql = connectPostgres(url, { name: 'fence' });
  t.after(() => closePostgres(sql));
  const waiting = async () =>
    (
      await sql`select from pg_stat_activity
        where datname = current_database() and wait_event = 'advisory'`
    ).length;
  return { sql, waiting };
}

function deliveryOf(epoch: bigint): Delivery {
  return {
    ...{ eventId: randomUUIDv7(), lane: 0, epoch, key: 'a', version: epoch, hashedVersion: 0 },
    ...{ hash: 1n, isCopied: false },
  } as unknown as Delivery;
}
