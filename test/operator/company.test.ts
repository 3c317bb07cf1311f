/**
 * What a person sees and does through the operator of a real company. The operator comes first: it
 * looks at links that nobody has moved. Who breaks a stream comes last.
 */
import { describeBadCalls } from './badCalls.ts';
import { sharedCompany } from './company.ts';
import './operatorProcess.ts';
import './links.ts';
import './noHold.ts';

describeBadCalls(sharedCompany, 0.08);
