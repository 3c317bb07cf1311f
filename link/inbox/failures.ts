/** What becomes of a message whose handler failed: it is tried again, or becomes a dead letter. */
import { isServiceUnavailable } from '../../rpc/transient.ts';
import { messageOf } from '../../runtime/errors.ts';
import type { Log } from '../../runtime/log.ts';
import { type Database, isDatabaseUnavailable, isLocked } from '../../runtime/postgres.ts';
import {
  type Backoff,
  backoffMs,
  DATABASE_RETRY_MS,
  DEPLOYMENT_RETRY_MS,
  HANDLER_BACKOFF,
  SERVICE_RETRY_MS,
} from '../backoff.ts';
import { LinkError } from '../errors.ts';
import type { LinkDefinition } from '../link.ts';
import type { Receipt } from '../wire/receipt.ts';
import type { Breaker } from './breaker.ts';
import { isPastHorizon } from './days.ts';
import { storableDetail } from './deadLetters.ts';
import type { Delivery } from './delivery.ts';
import { countAttempt, giveUp, giveUpParked } from './givingUp.ts';
import type { LockedKeys } from './lockedKeys.ts';
import { Patience } from './patience.ts';
import { retry } from './receipts.ts';

export interface ReceiverLimits {
  /** A handler that takes longer is abandoned: its transaction is rolled back. */
  readonly handlerTimeoutMs: number;
  /** Failed attempts after which a message becomes a dead letter. */
  readonly maxAttempts: number;
  readonly backoff: Backoff;
}

export const DEFAULT_LIMITS: ReceiverLimits = {
  handlerTimeoutMs: 10_000,
  maxAttempts: 5,
  backoff: HANDLER_BACKOFF,
};

export interface FailureOptions {
  readonly sql: Database;
  readonly log: Log;
  readonly link: LinkDefinition;
  readonly limits: ReceiverLimits;
  readonly breaker: Breaker;
  readonly locked: LockedKeys;
}

export class Failures {
  readonly #options: FailureOptions;
  readonly #patience = new Patience();

  constructor(options: FailureOptions) {
    this.#options = options;
  }

  async answer(delivery: Delivery, error: unknown, isParked = false): Promise<Receipt> {
    const { sql, log, link } = this.#options;
    const detail = storableDetail(messageOf(error));
    const passing = this.#passing(delivery, error, detail);
    if (passing) return passing;
    try {
      return isPastHorizon(error)
        ? await giveUp(sql, delivery, { reason: 'PAST_HORIZON', detail, attempts: 1 })
        : await this.#count(delivery, error, isParked);
    } catch (failure) {
      log.error({ err: failure, link: link.id }, 'could not record a failed message');
      return retry(delivery, DATABASE_RETRY_MS, detail);
    }
  }

  /** What passes by itself, or is nobody's fault yet, is only tried again. */
  #passing(delivery: Delivery, error: unknown, detail: string): Receipt | undefined {
    const { breaker, locked } = this.#options;
    if (isPastHorizon(error)) return undefined;
    const restMs = isLocked(error) ? locked.note(delivery.key) : undefined;
    if (restMs !== undefined) return retry(delivery, restMs, detail);
    if (isDatabaseUnavailable(error) && !isLocked(error))
      return retry(delivery, DATABASE_RETRY_MS, detail);
    if (isServiceUnavailable(error)) return retry(delivery, SERVICE_RETRY_MS, detail);
    const isCounted = breaker.failed(delivery.key, detail);
    if (!this.#patience.bears(error) && isCounted) return undefined;
    return retry(delivery, Math.max(DEPLOYMENT_RETRY_MS, breaker.waitMs), detail);
  }

  async #count(delivery: Delivery, error: unknown, isParked: boolean): Promise<Receipt> {
    const { sql, log, link, limits } = this.#options;
    const { eventId } = delivery;
    const detail = storableDetail(messageOf(error));
    const attempts = await countAttempt(sql, link.id, eventId, detail);
    log.warn({ link: link.id, eventId, attempts, err: error }, 'handler failed');
    if (attempts < limits.maxAttempts)
      return retry(delivery, backoffMs(attempts, limits.backoff), detail);
    const isTimeout = error instanceof LinkError && error.code === 'HANDLER_TIMEOUT';
    const reason = isTimeout ? 'HANDLER_TIMEOUT' : 'HANDLER_FAILED';
    const why = { reason, detail, attempts } as const;
    return isParked ? giveUpParked(sql, delivery, why) : giveUp(sql, delivery, why);
  }
}
