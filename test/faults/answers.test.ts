/** What a request is told about its messages. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { listDeadLetters } from '../../link/inbox/deadLetters.ts';
import type { Change } from '../../link/inbox/handler.ts';
import { redrive } from '../../link/inbox/redrive.ts';
import type { Transaction } from '../../runtime/postgres.ts';
import { until } from '../harness/until.ts';
import { InProcessCompany } from '../rigs/inProcess/company.ts';

const LINK = 'COMM-010';

test('a sync message is applied when its request is answered, a given up one never', async (t) => {
  let isBroken = false;
  const company = await InProcessCompany.start(t, {
    link: LINK,
    transport: 'sync',
    limits: { maxAttempts: 1 },
    wrap: (handler, consumer) =>
      handler.kind !== 'formal'
        ? handler
        : {
            ...handler,
            apply: async (tx: Transaction, changes: readonly Change[]) => {
              if (isBroken && consumer === 'hiring') throw new Error('broken');
              return handler.apply(tx, changes);
            },
          },
  });
  const { kit } = company.nodes.get('assessments-1')!;
  const writeUntil = async (wanted: Record<string, string>) => {
    const answers: Record<string, string>[] = [];
    const write = async () => {
      const deliveries = await kit.deliver(await company.write());
      answers.push(Object.fromEntries(deliveries.map(({ consumer, state }) => [consumer, state])));
      return isDeepStrictEqual(answers.at(-1), wanted);
    };
    // Where a request was answered before its receipts came, the next one may be luckier.
    await until(write, { what: JSON.stringify(wanted) });
    return answers;
  };
  await writeUntil({ hiring: 'applied', bonuses: 'applied' });
  isBroken = true;
  for (const { hiring } of await writeUntil({ hiring: 'pending', bonuses: 'applied' }))
    assert.equal(hiring, 'pending');
  await until(async () => (await company.countOpen()) === 0, { what: 'all is given up' });
  const sql = company.sqlOf.get('hiring')!;
  const dead = await listDeadLetters(sql, { link: LINK, limit: 1_000 });
  assert.ok(dead.length > 0);
  for (const { id } of dead)
    await redrive(sql, company.link, company.fixture.handlers.hiring!, id, 'test');
  await company.oracle();
});

test('an async message is pending when its request is answered', async (t) => {
  const company = await InProcessCompany.start(t, { link: LINK, transport: 'async' });
  const { kit } = company.nodes.get('assessments-1')!;
  const deliveries = await kit.deliver(await company.write());
  assert.deepEqual(new Set(deliveries.map(({ state }) => state)), new Set(['pending']));
  await company.oracle();
});
