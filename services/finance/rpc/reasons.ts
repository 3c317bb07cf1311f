/** Why finance refuses a command, beside the reasons of every API; docs/errors.md explains each. */
import { RpcError } from 'relink/rpc';

export const FINANCE_REASONS = ['NOT_IN_PRODUCTION'] as const;

/** Fault injection is for test systems. */
export function notInProduction(): RpcError {
  const [reason] = FINANCE_REASONS;
  const message = 'fault injection is disabled in production (RELINK_PRODUCTION is set)';
  return new RpcError('FAILED_PRECONDITION', reason, message);
}
