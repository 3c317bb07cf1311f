/**
 * Applies messages so that each has its effect once, whichever transport brings it and however
 * often.
 *
 * A batch is one transaction: inbox rows (message ids), version check, effect, commit. When it
 * fails each message is tried alone, so that a poison message does not hold up the others. A
 * message that keeps failing becomes a dead letter. A copy (shadow) runs in a transaction that is
 * rolled back.
 */
import { messageOf } from '../../runtime/errors.ts';
import { declareFailpoints, failpoint } from '../../runtime/failpoints.ts';
import type { Log } from '../../runtime/log.ts';
import type { Database, Transaction } from '../../runtime/postgres.ts';
import { DATABASE_RETRY_MS, SERVICE_RETRY_MS } from '../backoff.ts';
import { ShadowRunner } from '../copies/shadowRunner.ts';
import type { LinkDefinition } from '../link.ts';
import { type WrittenMessage, writtenIn } from '../outbox/written.ts';
import type { Receipt } from '../wire/receipt.ts';
import { alarmPassed, alarmReused, ID_REUSED } from './alarms.ts';
import { type Applying, applyNew, applyParked, type Settled } from './applyNew.ts';
import { Batches, isEffect } from './batches.ts';
import { Breaker, type BreakerOptions } from './breaker.ts';
import { storable, storableDetail } from './deadLetters.ts';
import { enterInbox, enterUnknown, readInbox } from './deduplicate.ts';
import {
  type Arrival,
  checkArrival,
  type DeadReason,
  type Delivery,
  NEWER,
  type Refusal,
} from './delivery.ts';
import { DEFAULT_LIMITS, Failures, type ReceiverLimits } from './failures.ts';
import { readFences } from './fence.ts';
import { giveUp, giveUpTaken } from './givingUp.ts';
import type { Handler } from './handler.ts';
import { LockedKeys } from './lockedKeys.ts';
import { takeParked } from './ordered.ts';
import { fenced, retry, settle, settledBefore } from './receipts.ts';

declareFailpoints('inbox.before-effect', 'inbox.before-commit', 'inbox.after-commit');

/** Fences wait for a batch, and so do rows that it locked. */
const BATCH_MS = 2_000;

export interface ReceiverOptions {
  readonly sql: Database;
  readonly log: Log;
  readonly link: LinkDefinition;
  readonly handler: Handler;
  readonly limits?: Partial<ReceiverLimits>;
  /** Called after a transaction that wrote to the outbox was committed. */
  readonly onCommitted?: (written: readonly WrittenMessage[]) => void;
  /**
   * Something a person must see: a message id came again with a different payload, or a new message
   * with a version that its key has passed.
   */
  readonly onAlarm?: (what: DeadReason, eventId: string) => void;
  /** A message came in a contract version that only a later build reads. */
  readonly onNewer?: (detail: string) => void;
}

/** Thrown inside the transaction so that it rolls back. */
class NotAllNew extends Error {}

class StaysParked extends Error {
  readonly arrival: Arrival;
  constructor(arrival: Arrival, why: string) {
    super(why);
    this.arrival = arrival;
  }
}

export class Receiver {
  readonly #options: ReceiverOptions;
  readonly #limits: ReceiverLimits;
  readonly #applying: Applying;
  readonly #shadows: ShadowRunner;
  /** The last batch held messages that were known or fenced, so the next one may, too. */
  #sawRepeats = false;
  /** Ordered links: keys whose parked message failed, and when it may be tried again. */
  readonly #restUntilMs = new Map<string, number>();
  /** Pauses the link when many keys fail. */
  readonly breaker: Breaker;
  readonly #failures: Failures;
  readonly #locked = new LockedKeys();
  readonly #batches: Batches;
  /** Ordered links: called when keys advanced, so that parked messages get their turn. */
  onAdvanced: () => void = () => {};

  constructor(options: ReceiverOptions) {
    this.#options = options;
    this.#limits = { ...DEFAULT_LIMITS, ...options.limits };
    const { link, handler } = options;
    this.#applying = { link, handler, limitMs: this.#limits.handlerTimeoutMs };
    this.#shadows = new ShadowRunner(options.sql, this.#applying);
    this.breaker = new Breaker(loggedBy(options.log, link.id));
    const { breaker } = this;
    const locked = this.#locked;
    const failures = new Failures({ ...options, limits: this.#limits, breaker, locked });
    this.#failures = failures;
    const applyTogether = (some: readonly Delivery[]) => this.#applyTogether(some);
    this.#batches = new Batches({ breaker, failures, locked, applyTogether });
  }

  /** Applies a batch; returns one receipt per arrival, in order. Never rejects. */
  async receive(arrivals: readonly Arrival[]): Promise<Receipt[]> {
    const receipts: Receipt[] = [];
    const placeOf = new Map<Delivery, number>();
    const { link, handler } = this.#options;
    for (const [i, arrival] of arrivals.entries()) {
      const checked = checkArrival(link, arrival, handler);
      if (checked.ok) placeOf.set(checked.delivery, i);
      else receipts[i] = await this.#refuse(arrival, checked);
    }
    const good = [...placeOf.keys()];
    const real = good.filter((delivery) => !delivery.isShadow);
    const shadows = good.filter((delivery) => delivery.isShadow);
    await this.#shadows.waitForCopies(real);
    const answers = [...(await this.#runShadows(shadows)), ...(await this.#batches.apply(real))];
    for (const [delivery, receipt] of answers) receipts[placeOf.get(delivery)!] = receipt;
    return receipts;
  }

  /** A copy settles nothing: its receipt only says that it arrived. */
  async #runShadows(deliveries: readonly Delivery[]): Promise<[Delivery, Receipt][]> {
    try {
      await this.#shadows.run(deliveries);
      return deliveries.map((delivery) => [delivery, settle(delivery, 'duplicate')]);
    } catch (error) {
      const message = messageOf(error);
      return deliveries.map((delivery) => [delivery, retry(delivery, DATABASE_RETRY_MS, message)]);
    }
  }

  // ---- real messages ----

  /** A batch that is not done by then is begun again with fewer messages. */
  #inTime(): Applying {
    return { ...this.#applying, untilMs: performance.now() + BATCH_MS };
  }

  async #applyTogether(deliveries: readonly Delivery[]): Promise<Receipt[]> {
    const { link } = this.#options;
    const receipts = await this.#inTransaction(deliveries);
    for (const [i, receipt] of receipts.entries()) {
      if (receipt.outcome !== 'dead' || receipt.detail === undefined) continue;
      if (receipt.detail === ID_REUSED) await alarmReused(this.#options, deliveries[i]!);
      else alarmPassed(this.#options, receipt);
    }
    if (link.ordered) this.onAdvanced();
    return receipts;
  }

  /** Usually all of them are new. If not, nothing of that attempt is left. */
  async #inTransaction(deliveries: readonly Delivery[]): Promise<Receipt[]> {
    if (!this.#sawRepeats)
      try {
        return await this.#commit((tx) => this.#applyAsNew(tx, deliveries));
      } catch (error) {
        if (!(error instanceof NotAllNew)) throw error;
      }
    return this.#commit((tx) => this.#applyUnknown(tx, deliveries));
  }

  async #commit(apply: (tx: Transaction) => Promise<Receipt[]>): Promise<Receipt[]> {
    let committing: Transaction | undefined;
    let receipts: Receipt[] = [];
    await this.#options.sql.begin(async (tx) => {
      receipts = await apply(tx);
      committing = tx;
      await failpoint('inbox.before-commit');
    });
    this.#committed(committing);
    return receipts;
  }

  /**
   * The effect of formal messages is sent behind the inbox rows without waiting for them, which saves a
   * round trip. Handlers of others may do something else when a message is not new, so they wait.
   * @throws NotAllNew when one of them was known or fenced
   */
  async #applyAsNew(tx: Transaction, deliveries: readonly Delivery[]): Promise<Receipt[]> {
    const { link, handler } = this.#options;
    const requireNew = (count: number) => {
      if (count < deliveries.length) throw new NotAllNew();
    };
    const entering = enterInbox(tx, link.id, deliveries);
    entering.catch(() => {}); // awaited below, unless the failpoint throws
    if (handler.kind === 'functional') requireNew(await entering);
    await failpoint('inbox.before-effect');
    const applying = applyNew(tx, this.#inTime(), deliveries);
    const [count, outcomes] = await Promise.all([entering, applying]);
    requireNew(count);
    return deliveries.map((one) => receiptOf(one, outcomes.get(one.eventId)));
  }

  /** Some may be in the inbox already, or occur twice. */
  async #applyUnknown(tx: Transaction, deliveries: readonly Delivery[]): Promise<Receipt[]> {
    const { link } = this.#options;
    const first = new Map(deliveries.map((d) => [d.eventId, d] as const).reverse());
    const fresh = await enterUnknown(tx, link.id, [...first.values()]);
    await failpoint('inbox.before-effect');
    const news = deliveries.filter((d) => fresh.has(d.eventId) && first.get(d.eventId) === d);
    const isNew = new Set(news);
    this.#sawRepeats = news.length < deliveries.length;
    const outcomes = await applyNew(tx, this.#inTime(), news);
    const others = deliveries.filter((d) => !isNew.has(d)).map((d) => d.eventId);
    // Read only now: if a message of this batch was parked, so is its duplicate.
    const known = await readInbox(tx, others);
    const fences = await (known.size < others.length ? readFences(tx, link.id) : []);
    return deliveries.map((d): Receipt => {
      if (isNew.has(d)) return receiptOf(d, outcomes.get(d.eventId));
      const row = known.get(d.eventId);
      if (!row) return fenced(d, fences);
      const receipt = settledBefore(row);
      if (row.hashedVersion !== d.hashedVersion || row.hash === d.hash) return receipt;
      return { ...receipt, outcome: 'dead', detail: ID_REUSED };
    });
  }

  /**
   * Applies one parked message whose turn has come; returns its receipt, or undefined when none is
   * due. One that keeps failing, or no longer fits its contract, becomes a dead letter, and its key
   * waits behind it.
   */
  async unparkOne(): Promise<Receipt | undefined> {
    const taken = this.breaker.take(1);
    try {
      return taken === 0 ? undefined : await this.#unparkOne();
    } finally {
      this.breaker.done(taken);
    }
  }

  async #unparkOne(): Promise<Receipt | undefined> {
    const { sql, log, link, handler } = this.#options;
    const nowMs = performance.now();
    for (const [key, untilMs] of this.#restUntilMs)
      if (untilMs <= nowMs) this.#restUntilMs.delete(key);
    let taken: Delivery | undefined;
    let committing: Transaction | undefined;
    try {
      const receipt = await sql.begin(async (tx) => {
        const arrival = await takeParked(tx, link.id, [...this.#restUntilMs.keys()]);
        if (!arrival) return undefined;
        const checked = checkArrival(link, arrival, handler);
        if (!checked.ok) {
          const { reason } = checked;
          if (reason === NEWER) throw new StaysParked(arrival, checked.detail);
          const detail = storableDetail(checked.detail);
          log.error({ link: link.id, eventId: arrival.eventId, reason, detail }, 'message refused');
          return giveUpTaken(tx, arrival, { reason, detail, attempts: 1 });
        }
        taken = checked.delivery;
        committing = tx;
        return receiptOf(taken, await applyParked(tx, this.#applying, taken));
      });
      this.#committed(committing);
      if (receipt && isEffect(receipt)) {
        this.breaker.succeeded([taken!.key]);
        this.#locked.forget([taken!.key]);
      }
      if (committing && receipt?.outcome === 'dead') alarmPassed(this.#options, receipt);
      return receipt;
    } catch (error) {
      if (error instanceof StaysParked) {
        const { arrival, message } = error;
        return this.#rest(arrival.key, this.#notYet(arrival, message));
      }
      if (!taken) throw error;
      return this.#rest(taken.key, await this.#failures.answer(taken, error, true));
    }
  }

  /** A parked message that has to wait lets those of other keys have their turn. */
  #rest(key: string, receipt: Receipt): Receipt {
    const { outcome, retryAfterMs = 0 } = receipt;
    if (outcome === 'retry') this.#restUntilMs.set(key, performance.now() + retryAfterMs);
    return receipt;
  }

  /** Messages that a handler wrote to the outbox are sent at once, not at the relay's next poll. */
  #committed(tx: Transaction | undefined): void {
    const written = tx ? writtenIn(tx) : [];
    if (written.length > 0) this.#options.onCommitted?.(written);
  }

  // ---- failures ----

  /** Nothing is committed and no attempt is counted: a process of a later build can apply it. */
  #notYet(arrival: Arrival, detail: string): Receipt {
    this.noteNewer(detail);
    return retry(arrival, SERVICE_RETRY_MS, detail);
  }

  /** Something came that only a later build reads. */
  noteNewer(detail: string): void {
    this.#options.onNewer?.(detail);
  }

  async #refuse(refused: Arrival, { reason, detail: why }: Refusal): Promise<Receipt> {
    const { sql, log, link } = this.#options;
    const arrival = storable(refused);
    const detail = storableDetail(why);
    if (arrival.isShadow) return this.#refuseCopy(arrival, `${reason}: ${detail}`);
    if (reason === NEWER) return this.#notYet(arrival, detail);
    log.error({ link: link.id, eventId: arrival.eventId, reason, detail }, 'message refused');
    try {
      return await giveUp(sql, arrival, { reason, detail, attempts: 1 });
    } catch (error) {
      return retry(arrival, DATABASE_RETRY_MS, messageOf(error));
    }
  }

  async #refuseCopy(arrival: Arrival, why: string): Promise<Receipt> {
    const { log, link } = this.#options;
    log.error({ link: link.id, eventId: arrival.eventId, why }, 'copy refused');
    try {
      await this.#shadows.refused(arrival, why);
      return settle(arrival, 'duplicate');
    } catch (error) {
      return retry(arrival, DATABASE_RETRY_MS, messageOf(error));
    }
  }
}

function receiptOf(delivery: Delivery, { outcome, detail }: Settled = { outcome: 'applied' }) {
  return { ...settle(delivery, outcome), ...(detail === undefined ? {} : { detail }) };
}

function loggedBy(log: Log, link: string): BreakerOptions {
  return {
    onOpen: (reason, pauseMs) =>
      log.error({ link, reason, pauseMs }, 'paused: messages of many keys fail, none is given up'),
    onClosed: (afterMs) => log.warn({ link, afterMs }, 'goes on: messages are applied again'),
  };
}
