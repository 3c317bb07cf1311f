/** The producer's database went back to a state before newer epochs, whose fences its consumer keeps. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '../../test/harness/until.ts';
import { InProcessCompany, someKeys } from '../../test/rigs/inProcess/company.ts';
import { raiseFence } from '../inbox/fence.ts';
import { ALL_LANES, legOf, type Transport } from '../link.ts';
import { readRoutes } from './routes.ts';

const LINK = 'COMM-021';
const CONSUMER = 'hiring';
const FENCE = 40n;

for (const transport of ['sync', 'async'] as const satisfies readonly Transport[])
  test(`a producer restored behind its consumer’s fence goes on under a new epoch (${transport})`, async (t) => {
    const company = await InProcessCompany.start(t, { link: LINK, transport });
    await raiseFence(company.sqlOf.get(CONSUMER)!, LINK, ALL_LANES, FENCE);
    await company.writeMany(40, someKeys(20));
    await until(async () => (await company.countOpen()) === 0, { what: 'everything is closed' });
    await company.waitUntilAdopted(CONSUMER);
    const routes = await readRoutes(company.producer, legOf(LINK, CONSUMER));
    const used = routes.filter(({ adopted }) => adopted.epoch > FENCE);
    assert.ok(used.length > 0);
    assert.ok(routes.every((route) => route.adopted.transport === transport));
    const [link] = await company.producer`select epoch from relink.links where link = ${LINK}`;
    assert.ok(routes.every(({ epoch }) => epoch <= link!.epoch));
    await company.oracle();
  });
