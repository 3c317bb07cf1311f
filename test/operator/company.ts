/** The company that the cases of company.test.ts share: with an operator, and some traffic. */
import { shareCompany } from '../rigs/processes/sharedCompany.ts';

export const sharedCompany = shareCompany({
  withOperator: true,
  live: (company) => company.startTraffic(),
});
