/**
 * What a person sees and does through the operator of a real company. The operator comes first: it
 * looks at links that nobody has moved. Who breaks a stream comes last.
 */
import './operatorProcess.ts';
import './links.ts';
import './noHold.ts';
