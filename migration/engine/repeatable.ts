/** Which failures of a step the engine answers by repeating it. */
import { RpcCallError } from '../../rpc/errors.ts';
import { isTransient } from '../../rpc/transient.ts';
import { StepProblem } from '../errors.ts';

/**
 * Calls that did not get through, or whose outcome is unknown. Repeating them is safe because every
 * step is idempotent; a lane that has not adopted its last route yet (ROUTE_PENDING) soon will.
 */
export function isRepeatable(error: unknown): boolean {
  if (error instanceof StepProblem) return error.isRepeatable;
  if (error instanceof RpcCallError && error.outcome === 'unknown') return true;
  if (error instanceof RpcCallError && error.reason === 'ROUTE_PENDING') return true;
  return isTransient(error);
}
