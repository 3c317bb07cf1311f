/** SolutionCompleted v1 says who or what accepted the solution. */
import { added, defineContract, defineMapping } from 'relink';
import { solutionCompletedV0, solutionCompletedV1 } from '../../gen/events.ts';

export const solutionCompleted = defineMapping(
  defineContract(solutionCompletedV0.message, solutionCompletedV0.schema),
  defineContract(solutionCompletedV1.message, solutionCompletedV1.schema),
  [added('accepted_by', { default: '' })],
);
