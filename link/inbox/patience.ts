/**
 * Faults of a deployment: a table, column or right that a statement needs is missing, or a service that
 * was asked broke down. No message is to blame, and mostly the next deployment mends it; but a single
 * message may cause it, too. So it is borne for a while, and held against messages after that.
 */
import { RpcCallError } from '../../rpc/errors.ts';
import { isSchemaUnfit } from '../../runtime/postgres.ts';

const BORNE_MS = 10 * 60_000;
/** After so long without one the next begins a new while. */
const FORGOTTEN_MS = 60_000;

export class Patience {
  readonly #now: () => number;
  #sinceMs = 0;
  #lastMs = Number.NEGATIVE_INFINITY;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Whether the error is a fault of a deployment that is borne yet. */
  bears(error: unknown): boolean {
    if (!isFaultOfDeployment(error)) return false;
    const nowMs = this.#now();
    if (nowMs - this.#lastMs > FORGOTTEN_MS) this.#sinceMs = nowMs;
    this.#lastMs = nowMs;
    return nowMs - this.#sinceMs < BORNE_MS;
  }
}

function isFaultOfDeployment(error: unknown): boolean {
  return isSchemaUnfit(error) || (error instanceof RpcCallError && error.code === 'INTERNAL');
}
