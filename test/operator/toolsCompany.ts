/** The company that the cases of tools.test.ts share: idle, but one manager is there to send a probe of. */
import { shareCompany } from '../rigs/processes/sharedCompany.ts';

export const sharedCompany = shareCompany({
  live: ({ clients }) =>
    clients.assessments.registerManager({ firstName: 'Ada', lastName: 'Lovelace' }),
});
