/** Formal links to contract version 1 under the business: back from the end, and to the end, while engines die. */
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { disarmFailpoints } from '../../runtime/failpoints.ts';
import { ProcessCompany } from '../rigs/processes/company.ts';
import { LINK } from '../rigs/processes/desk.ts';
import { BACK, CHECKPOINT, dieAgainAndAgain } from './dying.ts';
import { routesOf } from './goingBack.ts';

/** An engine lives a second or two, and many live one after another. */
const manyLives = { timeout: 900_000 };

/** Several pages of `store_rows`, between which an engine may die. */
const MANAGERS = 20;

/** COMM-020 moves with COMM-021, which replicates the same assessments. */
const TOGETHER = ['COMM-020', 'COMM-021'];

describe('a formal link to another contract version', () => {
  let company: ProcessCompany;
  before(async () => {
    company = await ProcessCompany.start();
    await company.startBusiness();
    const names = { firstName: 'Sofia', lastName: 'Kowalewskaja' };
    for (let i = 0; i < MANAGERS; i += 1) await company.clients.assessments.registerManager(names);
  });
  afterEach(async () => {
    disarmFailpoints();
    await company.stopEngines();
  });
  after(() => company?.stop());

  it(
    'goes back and leaves every replica with the old fields, whatever died',
    manyLives,
    async () => {
      const desk = await company.desk();
      const id = await desk.start({ to: 'v1', settings: { store_rows: '7' } });
      const died = await dieAgainAndAgain(desk, id, CHECKPOINT, 'waiting');
      assert.ok([...died.values()].some((steps) => steps.has('store-rows')));
      await company.assertNothingLost(LINK);
      await desk.order(id, 'rollback');
      await dieAgainAndAgain(desk, id, BACK, 'rolled_back');
      await company.assertNothingLost(LINK);
      for (const service of ['hiring', 'bonuses']) {
        const [row] = await company.database(service)<{ without: number }[]>`
        select count(*) filter (where first_name is null)::int as without from manager_replicas`;
        assert.equal(row!.without, 0, service);
      }
    },
  );

  it(
    'moves to the end, and nothing that only the old version needs is left',
    manyLives,
    async () => {
      const desk = await company.desk();
      const engine = desk.engine();
      await desk.runToEnd('v1');
      await company.assertNothingLost(LINK);
      for (const service of ['hiring', 'bonuses']) {
        const columns = await company.database(service)`select from information_schema.columns
        where column_name in ('first_name', 'last_name')`;
        assert.equal(columns.length, 0, service);
      }
      await engine.stop();
    },
  );

  it(
    'moves with the link of the same entity, also when engines die between the two',
    manyLives,
    async () => {
      const desk = await company.desk();
      const id = await desk.start({ to: 'v1', link: 'COMM-020' });
      const points = ['engine.between-links', ...CHECKPOINT];
      const died = await dieAgainAndAgain(desk, id, points, 'waiting');
      assert.ok(died.get('engine.between-links')!.has('route-canary'));
      for (const link of TOGETHER) {
        assert.deepEqual(await routesOf(company, link), ['async v1']);
        await company.assertNothingLost(link);
      }
      await desk.order(id, 'rollback');
      await dieAgainAndAgain(desk, id, ['engine.between-links', ...BACK], 'rolled_back');
      for (const link of TOGETHER) {
        assert.deepEqual(await routesOf(company, link), ['async']);
        await company.assertNothingLost(link);
      }
      const engine = desk.engine();
      const { run } = await desk.runToEnd('v1', 'COMM-020');
      await engine.stop();
      const certificates = await desk.certificates.list({ run: run.id, limit: 100 });
      assert.deepEqual([...new Set(certificates.map(({ link }) => link))].sort(), TOGETHER);
      for (const link of TOGETHER) await company.assertNothingLost(link);
    },
  );
});
