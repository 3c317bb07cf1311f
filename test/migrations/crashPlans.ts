/** The engine dies at every boundary of the functional plans and of those with pull. */
import assert from 'node:assert/strict';
import { afterEach, before, describe, it } from 'node:test';
import { disarmFailpoints } from '../../runtime/failpoints.ts';
import type { ProcessCompany } from '../rigs/processes/company.ts';
import { sharedCompany } from './businessCompany.ts';
import { BACK, dieAgainAndAgain, FORWARD } from './dying.ts';
import { routesOf } from './goingBack.ts';

const MOVES = [
  ['COMM-040', 'sync', 'async'],
  ['COMM-070', 'async', 'sync'],
  ['COMM-060', 'async', 'pull'],
] as const;

/** An engine lives a second or two, and fifty or more live one after another. */
const manyLives = { timeout: 900_000 };

describe('an engine that dies', () => {
  let company: ProcessCompany;
  before(() => {
    company = sharedCompany();
  });
  afterEach(async () => {
    disarmFailpoints();
    await company.stopEngines();
  });

  for (const [link, from, to] of MOVES)
    it(`at any boundary of ${link} to ${to} harms nothing, there and back`, manyLives, async () => {
      const desk = await company.desk();
      const id = await desk.start({ link, to });
      const died = await dieAgainAndAgain(desk, id, FORWARD, 'waiting');
      for (const [point, where] of died) assert.ok(where.size > 10, point);
      assert.deepEqual(await routesOf(company, link), [to]);
      await company.assertNothingLost(link);
      await desk.order(id, 'rollback');
      const diedBack = await dieAgainAndAgain(desk, id, BACK, 'rolled_back');
      for (const [point, where] of diedBack) assert.ok(where.size > 3, point);
      assert.deepEqual(await routesOf(company, link), [from]);
      await company.assertNothingLost(link);
    });

  it('at any boundary of COMM-060 back from pull harms nothing', manyLives, async () => {
    const desk = await company.desk();
    const engine = desk.engine();
    await desk.runToEnd('pull', 'COMM-060');
    await engine.stop();
    const id = await desk.start({ link: 'COMM-060', to: 'async' });
    const died = await dieAgainAndAgain(desk, id, FORWARD, 'waiting');
    for (const [point, where] of died) assert.ok(where.size > 10, point);
    await desk.order(id, 'complete', 'COMM-060');
    await dieAgainAndAgain(desk, id, FORWARD, 'completed');
    assert.deepEqual(await routesOf(company, 'COMM-060'), ['async']);
    await company.assertNothingLost('COMM-060');
  });
});
