/** The company that the cases of tools.test.ts share. */
import { shareCompany } from '../rigs/processes/sharedCompany.ts';

export const sharedCompany = shareCompany();
