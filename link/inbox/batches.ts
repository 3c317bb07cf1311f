/**
 * How a batch gets through: together if possible; one by one when it fails, so that one message does not
 * hold up the others; and in smaller parts when its handlers take long, because a transaction that goes
 * on and on keeps locks and connections, and a fence waits for it.
 */
import { messageOf } from '../../runtime/errors.ts';
import { failpoint } from '../../runtime/failpoints.ts';
import { isDatabaseUnavailable, isLocked, isSerializationFailure } from '../../runtime/postgres.ts';
import { DATABASE_RETRY_MS, SERVICE_RETRY_MS } from '../backoff.ts';
import type { Receipt } from '../wire/receipt.ts';
import { BatchTooLong } from './applyNew.ts';
import type { Breaker } from './breaker.ts';
import type { Delivery } from './delivery.ts';
import type { Failures } from './failures.ts';
import type { LockedKeys } from './lockedKeys.ts';
import { retry } from './receipts.ts';

/**
 * After this many messages in a row for which another service did not answer, or whose rows are locked,
 * the rest of the batch is not tried.
 */
const IN_A_ROW = 3;
const LARGEST = 500;

export type Answer = readonly [Delivery, Receipt];

export interface BatchOptions {
  readonly breaker: Breaker;
  readonly failures: Failures;
  readonly locked: LockedKeys;
  /** Applies them in one transaction; one receipt each, in order. */
  readonly applyTogether: (deliveries: readonly Delivery[]) => Promise<Receipt[]>;
}

export class Batches {
  readonly #options: BatchOptions;
  /** Messages in a transaction: as many as were done in time. */
  #size = LARGEST;

  constructor(options: BatchOptions) {
    this.#options = options;
  }

  /** Never rejects. While the link is paused only a few are tried, and none most of the time. */
  async apply(deliveries: readonly Delivery[]): Promise<Answer[]> {
    const { breaker, locked } = this.#options;
    const resting = deliveries.filter(({ key }) => locked.restMs(key) > 0);
    const due = deliveries.filter(({ key }) => locked.restMs(key) === 0);
    const taken = breaker.take(due.length);
    try {
      const tried = due.slice(0, taken);
      return [
        ...(await this.#inParts(tried.filter(({ key }) => !locked.has(key)))),
        ...(await this.#oneByOne(tried.filter(({ key }) => locked.has(key)))),
        ...due.slice(taken).map((one) => this.#paused(one)),
        ...resting.map((one) => this.#resting(one)),
      ];
    } finally {
      breaker.done(taken);
    }
  }

  #paused(delivery: Delivery): Answer {
    const { pause, waitMs } = this.#options.breaker;
    const detail = `paused, because messages of many keys fail: ${pause?.reason}`;
    return [delivery, retry(delivery, waitMs, detail)];
  }

  #resting(delivery: Delivery): Answer {
    const restMs = this.#options.locked.restMs(delivery.key);
    return [delivery, retry(delivery, Math.ceil(restMs), 'its row is locked by somebody else')];
  }

  async #inParts(deliveries: readonly Delivery[]): Promise<Answer[]> {
    const answers: Answer[] = [];
    while (answers.length < deliveries.length) {
      const part = deliveries.slice(answers.length, answers.length + this.#size);
      try {
        answers.push(...(await this.#together(part)));
        this.#size = Math.min(LARGEST, this.#size * 2);
      } catch (error) {
        if (!(error instanceof BatchTooLong)) throw error;
        this.#size = Math.max(1, Math.floor(error.done / 2));
      }
    }
    return answers;
  }

  /** @throws BatchTooLong when nothing of it is applied because it takes too long together */
  async #together(deliveries: readonly Delivery[]): Promise<Answer[]> {
    const { applyTogether, failures } = this.#options;
    try {
      const receipts = await applyTogether(deliveries);
      this.#noteSuccess(deliveries.filter((_, i) => isEffect(receipts[i]!)));
      await failpoint('inbox.after-commit');
      return deliveries.map((delivery, i) => [delivery, receipts[i]!]);
    } catch (error) {
      if (error instanceof BatchTooLong) throw error;
      const [only, ...others] = deliveries;
      if (others.length === 0) return [[only!, await failures.answer(only!, error)]];
      if (passesForAll(error))
        return deliveries.map((one) => [one, retry(one, DATABASE_RETRY_MS, messageOf(error))]);
      return this.#oneByOne(deliveries);
    }
  }

  async #oneByOne(deliveries: readonly Delivery[]): Promise<Answer[]> {
    const { breaker, locked } = this.#options;
    const wasClosed = breaker.isClosed;
    const answers: Answer[] = [];
    let held = 0;
    for (const delivery of deliveries) {
      const isHeld = held >= IN_A_ROW;
      if (wasClosed && !breaker.isClosed) answers.push(this.#paused(delivery));
      else if (locked.restMs(delivery.key) > 0) answers.push(this.#resting(delivery));
      else if (isHeld) answers.push([delivery, retry(delivery, SERVICE_RETRY_MS, NOT_TRIED)]);
      else {
        const [answer] = await this.#together([delivery]);
        answers.push(answer!);
        const isAgain = answer![1].retryAfterMs === SERVICE_RETRY_MS || locked.has(delivery.key);
        held = isAgain ? held + 1 : 0;
      }
    }
    return answers;
  }

  #noteSuccess(applied: readonly Delivery[]): void {
    const keys = applied.map(({ key }) => key);
    this.#options.breaker.succeeded(keys);
    this.#options.locked.forget(keys);
  }
}

const NOT_TRIED = 'not tried: the ones before wait for a service or for locked rows';

/** Two batches that deadlocked, and one with a locked row, get through one by one. */
function passesForAll(error: unknown): boolean {
  return isDatabaseUnavailable(error) && !isSerializationFailure(error) && !isLocked(error);
}

/** Whether it took effect just now, or needed none: then the handler works. */
export function isEffect({ outcome }: Receipt): boolean {
  return outcome === 'applied' || outcome === 'superseded';
}
