/**
 * Every plan on the whole company under its business: to the end and back again, and back from every
 * step. What a link carries is checked on both sides after each.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { until } from '../harness/until.ts';
import type { Business } from '../rigs/processes/business.ts';
import type { ProcessCompany } from '../rigs/processes/company.ts';
import { sharedBusiness, sharedCompany } from './businessCompany.ts';
import { goBackFromThreeSteps, goBackOnThreeLinks, routesOf } from './goingBack.ts';

/** Where each movable link goes; it starts from the other one. */
const MOVES = [
  ['COMM-020', 'sync', 'async'],
  ['COMM-021', 'sync', 'async'],
  ['COMM-030', 'sync', 'async'],
  ['COMM-050', 'sync', 'async'],
  ['COMM-060', 'pull', 'async'],
  ['COMM-070', 'sync', 'async'],
] as const;
/** A move mostly waits: the company carries others meanwhile. */
const AT_ONCE = 3;

describe('the plans', () => {
  let company: ProcessCompany;
  let business: Business;
  before(() => {
    company = sharedCompany();
    business = sharedBusiness();
  });
  after(() => company.stopEngines());

  describe('one link', { concurrency: AT_ONCE }, () => {
    for (const [link, there, back] of MOVES)
      it(`moves ${link} to ${there} and back to ${back}`, async (t) => {
        const desk = await company.desk();
        const engine = desk.engine();
        t.after(() => engine.stop());
        const gone = await desk.runToEnd(there, link);
        assert.deepEqual(await routesOf(company, link), [there]);
        await company.assertNothingLost(link);
        const returned = await desk.runToEnd(back, link);
        assert.deepEqual(await routesOf(company, link), [back]);
        await company.assertNothingLost(link);
        for (const { run } of [gone, returned])
          assert.ok((await desk.certificates.list({ run: run.id, limit: 100 })).length > 0);
      });
  });

  it('moves COMM-040 to contract v1, then its transport and version at once, and back', async () => {
    const desk = await company.desk();
    const engine = desk.engine();
    for (const [to, route] of [
      ['v1', 'sync v1'],
      ['async,v0', 'async'],
      ['sync', 'sync'],
    ] as const) {
      const { run } = await desk.runToEnd(to, 'COMM-040');
      assert.deepEqual(await routesOf(company, 'COMM-040'), [route]);
      await company.assertNothingLost('COMM-040');
      assert.ok((await desk.certificates.list({ run: run.id, limit: 100 })).length > 0);
    }
    const versions = await company.database('bonuses')<{ event_version: number }[]>`
      select distinct event_version from relink.inbox
      where link = 'COMM-040' order by event_version`;
    assert.deepEqual(
      versions.map(({ event_version }) => event_version),
      [0, 1],
    );
    await engine.stop();
  });

  it(
    'goes back from the functional plans and those with pull, on three links at once',
    {
      timeout: 900_000,
    },
    () => goBackOnThreeLinks(company, goBackFromThreeSteps),
  );

  it('pays for every accepted solution once, whatever was moved meanwhile', async () => {
    await business.stop();
    const bonuses = company.database('bonuses');
    const booked = async () => {
      const [row] = await bonuses<{ credits: number; debits: number }[]>`
        select count(*) filter (where kind = 'credit')::int as credits,
          count(*) filter (where kind = 'debit')::int as debits from bookings`;
      return row!.credits - row!.debits;
    };
    await until(async () => (await booked()) === business.paid, {
      what: `${business.paid} solutions are paid`,
    });
  });
});
