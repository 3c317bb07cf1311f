/** Why hiring refuses a command, beside the reasons of every API; docs/errors.md explains each. */
import { RpcError } from 'relink/rpc';

export const HIRING_REASONS = ['NOT_ASSIGNED', 'SOLUTION_NOT_ACCEPTED'] as const;

/** The candidate is not assigned the assessment, or hiring has not heard of it yet. */
export function notAssigned(): RpcError {
  return refusal(
    'NOT_ASSIGNED',
    'hiring knows of no assignment of this assessment to the candidate (yet)',
  );
}

/** Only an accepted solution can be revoked. */
export function solutionNotAccepted(): RpcError {
  return refusal(
    'SOLUTION_NOT_ACCEPTED',
    'the solution was not accepted, so there is nothing to revoke',
  );
}

function refusal(reason: (typeof HIRING_REASONS)[number], message: string): RpcError {
  return new RpcError('FAILED_PRECONDITION', reason, message);
}
