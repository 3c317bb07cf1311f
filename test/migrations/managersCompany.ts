/** The company that the cases of managers.test.ts share: managers are registered and renamed. */
import type { ManagerTraffic } from '../rigs/processes/managerTraffic.ts';
import { shareCompany } from '../rigs/processes/sharedCompany.ts';

let traffic: ManagerTraffic;

export const sharedCompany = shareCompany({
  live: async (company) => {
    traffic = await company.startTraffic();
  },
});

export const sharedTraffic = () => traffic;
