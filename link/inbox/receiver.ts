/**
 * Applies messages so that each has its effect once, whatever transport brought it and however often.
 *
 * A batch is one transaction: inbox rows (message ids), version check, effect, commit. When it fails
 * each message is tried alone, so that a poison message does not hold up the others. A message that
 * keeps failing becomes a dead letter. A copy (shadow) runs in a transaction that is rolled back.
 */
import { declareFailpoints, failpoint } from '../../runtime/failpoints.ts';
import type { Log } from '../../runtime/log.ts';
import {
  type Database,
  isConnectionLost,
  isSerializationFailure,
  type Transaction,
} from '../../runtime/postgres.ts';
import { payloadHash } from '../contracts/payloadHash.ts';
import { LinkError } from '../errors.ts';
import type { LinkDefinition } from '../link.ts';
import { type Backoff, backoffMs } from '../relay/backoff.ts';
import { bury, enterDead } from './deadLetters.ts';
import {
  type Arrival,
  checkArrival,
  type DeadReason,
  type Delivery,
  isUuid,
  type Settlement,
} from './delivery.ts';
import type { Handler } from './handler.ts';
import {
  countAttempt,
  enterInbox,
  type InboxRow,
  readInbox,
  saveShadowResults,
  setOutcome,
} from './rows.ts';

declareFailpoints('inbox.before-effect', 'inbox.before-commit', 'inbox.after-commit');

export interface ReceiverLimits {
  /** A handler that takes longer is abandoned: its transaction is rolled back. */
  readonly handlerTimeoutMs: number;
  /** Failed tries after which a message becomes a dead letter. */
  readonly maxAttempts: number;
  readonly backoff: Backoff;
}

export const DEFAULT_LIMITS: ReceiverLimits = {
  handlerTimeoutMs: 10_000,
  maxAttempts: 5,
  backoff: { baseMs: 200, capMs: 10_000 },
};

/** How long a message waits when the database, not the message, was the problem. */
const DATABASE_RETRY_MS = 250;

export interface ReceiverOptions {
  readonly sql: Database;
  readonly log: Log;
  readonly link: LinkDefinition;
  readonly handler: Handler;
  readonly limits?: Partial<ReceiverLimits>;
  /** Something a person must see: a message id came again with another payload. */
  readonly onAlarm?: (what: DeadReason, eventId: string) => void;
}

/** What a sender is told whose message id is known with another payload. */
export const ID_REUSED = 'this message id was settled before with another payload';

/** Thrown inside a shadow's transaction so that it rolls back. */
class ShadowDone extends Error {}

export class Receiver {
  readonly #options: ReceiverOptions;
  readonly #limits: ReceiverLimits;

  constructor(options: ReceiverOptions) {
    this.#options = options;
    this.#limits = { ...DEFAULT_LIMITS, ...options.limits };
  }

  /** Applies a batch; answers one settlement per arrival, in order. Never rejects. */
  async receive(arrivals: readonly Arrival[]): Promise<Settlement[]> {
    const settled = new Map<Arrival, Settlement>();
    const good: Delivery[] = [];
    const arrivalOf = new Map<Delivery, Arrival>();
    for (const arrival of arrivals) {
      const checked = checkArrival(this.#options.link, arrival);
      if (checked.ok) {
        good.push(checked.delivery);
        arrivalOf.set(checked.delivery, arrival);
      } else settled.set(arrival, await this.#refuse(arrival, checked.reason, checked.detail));
    }
    const shadows = good.filter((delivery) => delivery.isShadow);
    const real = good.filter((delivery) => !delivery.isShadow);
    const answers = [...(await this.#runShadows(shadows)), ...(await this.#applyAll(real))];
    for (const [delivery, settlement] of answers) settled.set(arrivalOf.get(delivery)!, settlement);
    return arrivals.map((arrival) => settled.get(arrival)!);
  }

  // ---- real messages ----

  async #applyAll(deliveries: readonly Delivery[]): Promise<[Delivery, Settlement][]> {
    if (deliveries.length === 0) return [];
    try {
      const settlements = await this.#applyTogether(deliveries);
      await failpoint('inbox.after-commit');
      return deliveries.map((delivery, i) => [delivery, settlements[i]!]);
    } catch (error) {
      if (deliveries.length === 1) {
        const settlement = await this.#afterFailure(deliveries[0]!, error);
        return [[deliveries[0]!, settlement]];
      }
      if (isConnectionLost(error)) {
        const { message } = error as Error;
        return deliveries.map((delivery) => [
          delivery,
          retry(delivery, DATABASE_RETRY_MS, message),
        ]);
      }
      const answers: [Delivery, Settlement][] = [];
      for (const delivery of deliveries) answers.push(...(await this.#applyAll([delivery])));
      return answers;
    }
  }

  async #applyTogether(deliveries: readonly Delivery[]): Promise<Settlement[]> {
    const { sql, link } = this.#options;
    const first = new Map(deliveries.map((d) => [d.eventId, d] as const).reverse());
    const reused: Delivery[] = [];
    const settlements = await sql.begin(async (tx) => {
      const fresh = await enterInbox(tx, link.id, [...first.values()]);
      const known =
        fresh.size === deliveries.length
          ? new Map<string, InboxRow>()
          : await readInbox(
              tx,
              deliveries.map((d) => d.eventId),
            );
      await failpoint('inbox.before-effect');
      const news = deliveries.filter((d) => fresh.has(d.eventId) && first.get(d.eventId) === d);
      const isNew = new Set(news);
      const outcomes = await this.#runHandler(tx, news);
      await failpoint('inbox.before-commit');
      return deliveries.map((d): Settlement => {
        if (isNew.has(d)) return settle(d, outcomes.get(d.eventId) ?? 'applied');
        const row = known.get(d.eventId);
        if (!row) return settle(d, fresh.has(d.eventId) ? 'duplicate' : 'fenced');
        const settlement = { eventId: d.eventId, outcome: duplicateOf(row), epoch: row.epoch };
        if (row.eventVersion !== d.eventVersion || row.hash === d.hash) return settlement;
        reused.push(d);
        return { ...settlement, outcome: 'dead', detail: ID_REUSED };
      });
    });
    for (const delivery of reused) await this.#alarmReused(delivery);
    return settlements as Settlement[];
  }

  async #runHandler(
    tx: Transaction,
    news: readonly Delivery[],
  ): Promise<Map<string, Settlement['outcome']>> {
    const outcomes = new Map<string, Settlement['outcome']>();
    if (news.length === 0) return outcomes;
    const { handler } = this.#options;
    if (handler.kind === 'functional') {
      for (const delivery of news) await this.#withDeadline(handler.apply(tx, delivery));
      return outcomes;
    }
    const newest = newestPerKey(news);
    const applied = await this.#withDeadline(handler.apply(tx, [...newest.values()]));
    const superseded = news.filter((d) => newest.get(d.key) !== d || !applied.has(d.key));
    for (const delivery of superseded) outcomes.set(delivery.eventId, 'superseded');
    await setOutcome(tx, [...outcomes.keys()], 'superseded');
    return outcomes;
  }

  /** Rejects when the handler takes too long; the rejection rolls the transaction back. */
  async #withDeadline<T>(work: Promise<T>): Promise<T> {
    const { handlerTimeoutMs } = this.#limits;
    let timer: NodeJS.Timeout | undefined;
    const deadline = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => {
        const message = `the handler took longer than ${handlerTimeoutMs} ms`;
        reject(new LinkError('HANDLER_TIMEOUT', message));
      }, handlerTimeoutMs);
    });
    work.catch(() => {}); // abandoned after the deadline: its own end no longer matters
    try {
      return await Promise.race([work, deadline]);
    } finally {
      clearTimeout(timer);
    }
  }

  // ---- failures ----

  async #afterFailure(delivery: Delivery, error: unknown): Promise<Settlement> {
    const { sql, log, link } = this.#options;
    const detail = (error as Error).message ?? String(error);
    if (isConnectionLost(error) || isSerializationFailure(error))
      return retry(delivery, DATABASE_RETRY_MS, detail);
    try {
      const attempts = await countAttempt(sql, link.id, delivery.eventId, detail);
      log.warn(
        { link: link.id, eventId: delivery.eventId, attempts, err: error },
        'handler failed',
      );
      if (attempts < this.#limits.maxAttempts)
        return retry(delivery, backoffMs(attempts, this.#limits.backoff), detail);
      const reason =
        error instanceof LinkError && error.code === 'HANDLER_TIMEOUT'
          ? 'HANDLER_TIMEOUT'
          : 'HANDLER_FAILED';
      return await this.#die(delivery, reason, detail, attempts);
    } catch (failure) {
      log.error({ err: failure, link: link.id }, 'recording a failed message failed');
      return retry(delivery, DATABASE_RETRY_MS, detail);
    }
  }

  async #refuse(arrival: Arrival, reason: DeadReason, detail: string): Promise<Settlement> {
    const { log, link } = this.#options;
    log.error({ link: link.id, eventId: arrival.eventId, reason, detail }, 'message refused');
    if (arrival.isShadow) return this.#shadowRefused(arrival, `${reason}: ${detail}`);
    try {
      return await this.#die(arrival, reason, detail, 1);
    } catch (error) {
      return retry(arrival, DATABASE_RETRY_MS, (error as Error).message);
    }
  }

  /** The dead letter and its inbox row in one transaction, behind the same fence as effects. */
  async #die(
    arrival: Arrival,
    reason: DeadReason,
    detail: string,
    attempts: number,
  ): Promise<Settlement> {
    const { sql } = this.#options;
    const hash = payloadHash(arrival.eventId, arrival.text);
    const isKeyed = isUuid(arrival.eventId);
    await sql.begin(async (tx) => {
      const isNew = !isKeyed || (await enterDead(tx, arrival, hash));
      if (isNew) await bury(tx, arrival, { reason, detail, attempts });
    });
    const row = isKeyed
      ? (await readInbox(sql, [arrival.eventId])).get(arrival.eventId)
      : undefined;
    if (!row) return { ...settle(arrival, isKeyed ? 'fenced' : 'dead'), detail };
    const outcome = row.outcome === 'dead' ? 'dead' : duplicateOf(row);
    return { eventId: arrival.eventId, outcome, epoch: row.epoch, detail };
  }

  async #alarmReused(delivery: Delivery): Promise<void> {
    const { sql, log, link, onAlarm } = this.#options;
    log.fatal({ link: link.id, eventId: delivery.eventId }, ID_REUSED);
    onAlarm?.('ID_REUSED', delivery.eventId);
    await sql.begin(async (tx) => {
      await bury(tx, delivery, { reason: 'ID_REUSED', detail: ID_REUSED, attempts: 1 });
    });
  }

  // ---- copies ----

  async #runShadows(deliveries: readonly Delivery[]): Promise<[Delivery, Settlement][]> {
    if (deliveries.length === 0) return [];
    const { sql, link } = this.#options;
    const results = [];
    for (const delivery of deliveries) {
      const problem = await this.#tryShadow(delivery);
      const { eventId, hash } = delivery;
      results.push({ eventId, hash, ok: problem === '', detail: problem });
    }
    try {
      await saveShadowResults(sql, link.id, results);
    } catch (error) {
      const message = (error as Error).message;
      return deliveries.map((d) => [d, retry(d, DATABASE_RETRY_MS, message)]);
    }
    return deliveries.map((d) => [d, settle(d, 'duplicate')]); // a copy settles nothing
  }

  async #tryShadow(delivery: Delivery): Promise<string> {
    try {
      await this.#options.sql.begin(async (tx) => {
        const { handler } = this.#options;
        if (handler.kind === 'formal') await this.#withDeadline(handler.apply(tx, [delivery]));
        else await this.#withDeadline(handler.apply(tx, delivery));
        throw new ShadowDone();
      });
      return '';
    } catch (error) {
      return error instanceof ShadowDone ? '' : ((error as Error).message ?? String(error));
    }
  }

  async #shadowRefused(arrival: Arrival, detail: string): Promise<Settlement> {
    const hash = payloadHash(arrival.eventId, arrival.text);
    if (isUuid(arrival.eventId))
      await saveShadowResults(this.#options.sql, this.#options.link.id, [
        { eventId: arrival.eventId, hash, ok: false, detail },
      ]);
    return settle(arrival, 'duplicate');
  }
}

function newestPerKey(deliveries: readonly Delivery[]): Map<string, Delivery> {
  const newest = new Map<string, Delivery>();
  for (const delivery of deliveries) {
    const other = newest.get(delivery.key);
    if (!other || delivery.version > other.version) newest.set(delivery.key, delivery);
  }
  return newest;
}

/** A message that was settled before: dead and parked ones still are. */
function duplicateOf(row: InboxRow): Settlement['outcome'] {
  return row.outcome === 'dead' || row.outcome === 'parked' ? row.outcome : 'duplicate';
}

function settle(arrival: Arrival, outcome: Settlement['outcome']): Settlement {
  return { eventId: arrival.eventId, outcome, epoch: arrival.epoch };
}

function retry(arrival: Arrival, retryAfterMs: number, detail: string): Settlement {
  return { ...settle(arrival, 'retry'), retryAfterMs, detail };
}
