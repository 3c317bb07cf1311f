/** The company that the cases of business.test.ts share: its whole business is under way. */
import type { Business } from '../rigs/processes/business.ts';
import { shareCompany } from '../rigs/processes/sharedCompany.ts';

let business: Business;

export const sharedCompany = shareCompany({
  live: async (company) => {
    business = await company.startBusiness();
  },
});

export const sharedBusiness = () => business;
