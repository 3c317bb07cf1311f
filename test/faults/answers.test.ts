/** What a request is told about its messages. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { listDeadLetters } from '../../link/inbox/deadLetters.ts';
import { formal } from '../../link/inbox/handler.ts';
import { redrive } from '../../link/inbox/redrive.ts';
import { Company } from '../conformance/company.ts';

const LINK = 'COMM-010';

test('a sync message is applied when its request is answered, a given up one never', async (t) => {
  let isBroken = false;
  const company = await Company.start(t, {
    link: LINK,
    transport: 'sync',
    limits: { maxAttempts: 1 },
    wrap: (handler, consumer) =>
      handler.kind !== 'formal'
        ? handler
        : formal(async (tx, changes) => {
            if (isBroken && consumer === 'hiring') throw new Error('broken');
            return handler.apply(tx, changes);
          }),
  });
  const { kit } = company.nodes.get('assessments-1')!;
  const write = async () => {
    const deliveries = await kit.deliver(await company.write());
    return Object.fromEntries(deliveries.map(({ consumer, state }) => [consumer, state]));
  };
  assert.deepEqual(await write(), { hiring: 'applied', bonuses: 'applied' });
  isBroken = true;
  assert.deepEqual(await write(), { hiring: 'pending', bonuses: 'applied' });
  const sql = company.sqlOf.get('hiring')!;
  const [dead] = await listDeadLetters(sql, { link: LINK, limit: 1 });
  await redrive(sql, company.link, company.fixture.handlers.hiring!, dead!.id, 'test');
  await company.oracle();
});

test('an async message is pending when its request is answered', async (t) => {
  const company = await Company.start(t, { link: LINK, transport: 'async' });
  const { kit } = company.nodes.get('assessments-1')!;
  const deliveries = await kit.deliver(await company.write());
  assert.deepEqual(new Set(deliveries.map(({ state }) => state)), new Set(['pending']));
  await company.oracle();
});
