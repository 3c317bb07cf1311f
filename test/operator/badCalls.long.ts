/** All bad calls, of every service to every method; `npm test` makes a share of them. */
import { shareCompany } from '../rigs/processes/sharedCompany.ts';
import { describeBadCalls } from './badCalls.ts';

describeBadCalls(shareCompany({ withOperator: true }), 1);
