/** Why finance refuses a command, beside the reasons of every API; docs/errors.md explains each. */
import { RpcError } from 'relink/rpc';
import type { TotalTooLarge } from '../domain/transfer.ts';

export const FINANCE_REASONS = ['NOT_IN_PRODUCTION', 'TOTAL_TOO_LARGE'] as const;

/** Fault injection is for test systems. */
export function notInProduction(): RpcError {
  return refusal(
    'NOT_IN_PRODUCTION',
    'fault injection is disabled in production (RELINK_PRODUCTION is set)',
  );
}

/** Statements go on, so the order does not. */
export function totalTooLarge(cause: TotalTooLarge): RpcError {
  return refusal('TOTAL_TOO_LARGE', cause.message, { cause });
}

function refusal(
  reason: (typeof FINANCE_REASONS)[number],
  message: string,
  options: ErrorOptions = {},
): RpcError {
  return new RpcError('FAILED_PRECONDITION', reason, message, options);
}
