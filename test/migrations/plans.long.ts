/** Every plan goes back from every step that leaves something to undo; `npm test` takes three. */
import { after, before, describe, it } from 'node:test';
import { ProcessCompany } from '../rigs/processes/company.ts';
import { goBackFromEveryStep, goBackFromVersion1, goBackOnThreeLinks } from './goingBack.ts';

describe('the plans', { timeout: 900_000 }, () => {
  let company: ProcessCompany;
  before(async () => {
    company = await ProcessCompany.start();
    await company.startBusiness();
  });
  after(() => company?.stop());

  it(
    'go back from every step of the functional plans and of those with pull',
    {
      timeout: 800_000,
    },
    () => goBackOnThreeLinks(company, goBackFromEveryStep),
  );

  it('go back from every step of the moves to another contract version', { timeout: 800_000 }, () =>
    goBackFromVersion1(company, goBackFromEveryStep),
  );
});
