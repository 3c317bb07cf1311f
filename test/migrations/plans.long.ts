/** Every plan goes back from every step that leaves something to undo; `npm test` takes three. */
import { after, before, describe, it } from 'node:test';
import { Company } from './company.ts';
import { goBackFromEveryStep, goBackOnThreeLinks } from './goingBack.ts';

describe('the plans', { timeout: 900_000 }, () => {
  let company: Company;
  before(async () => {
    company = await Company.start();
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
});
