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
import { type Handler, withinLimit } from './handler.ts';
import {
  lockPositions,
  park,
  removeParked,
  savePositions,
  takeParked,
  takeTurns,
} from './ordered.ts';
import { countAttempt, enterInbox, type InboxRow, readInbox, setOutcome } from './rows.ts';
import { ShadowRunner } from './shadowRunner.ts';

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

export class Receiver {
  readonly #options: ReceiverOptions;
  readonly #limits: ReceiverLimits;
  readonly #shadows: ShadowRunner;
  /** Ordered links: keys whose parked message failed, and when it may be tried again. */
  readonly #restUntilMs = new Map<string, number>();
  /** Ordered links: called when keys advanced, so that parked messages may have their turn. */
  onAdvanced: () => void = () => {};

  constructor(options: ReceiverOptions) {
    this.#options = options;
    this.#limits = { ...DEFAULT_LIMITS, ...options.limits };
    this.#shadows = new ShadowRunner(options, this.#limits.handlerTimeoutMs);
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

  /** A copy settles nothing: its answer only says that it arrived. */
  async #runShadows(deliveries: readonly Delivery[]): Promise<[Delivery, Settlement][]> {
    try {
      await this.#shadows.run(deliveries);
      return deliveries.map((delivery) => [delivery, settle(delivery, 'duplicate')]);
    } catch (error) {
      const { message } = error as Error;
      return deliveries.map((delivery) => [delivery, retry(delivery, DATABASE_RETRY_MS, message)]);
    }
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
    if (link.ordered) this.onAdvanced();
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
      const due = this.#options.link.ordered ? await this.#inTurn(tx, news, outcomes) : news;
      for (const delivery of due)
        await withinLimit(this.#limits.handlerTimeoutMs, handler.apply(tx, delivery));
      return outcomes;
    }
    const newest = newestPerKey(news);
    const applied = await withinLimit(
      this.#limits.handlerTimeoutMs,
      handler.apply(tx, [...newest.values()]),
    );
    const superseded = news.filter((d) => newest.get(d.key) !== d || !applied.has(d.key));
    for (const delivery of superseded) outcomes.set(delivery.eventId, 'superseded');
    await setOutcome(tx, [...outcomes.keys()], 'superseded');
    return outcomes;
  }

  /** The messages whose turn it is; the others are parked, or superseded when it is over. */
  async #inTurn(
    tx: Transaction,
    news: readonly Delivery[],
    outcomes: Map<string, Settlement['outcome']>,
  ): Promise<readonly Delivery[]> {
    const { id } = this.#options.link;
    const keys = news.map((delivery) => delivery.key);
    const { now, later, past, positions } = takeTurns(news, await lockPositions(tx, id, keys));
    await savePositions(tx, id, positions);
    await park(tx, id, later);
    for (const [outcome, some] of [
      ['parked', later],
      ['superseded', past],
    ] as const) {
      const ids = some.map((delivery) => delivery.eventId);
      await setOutcome(tx, ids, outcome);
      for (const eventId of ids) outcomes.set(eventId, outcome);
    }
    return now;
  }

  /**
   * Applies one parked message whose turn has come; answers what became of it, or undefined when
   * none is due. One that keeps failing becomes a dead letter, and its key waits behind it.
   */
  async unparkOne(): Promise<Settlement | undefined> {
    const { sql, link } = this.#options;
    const nowMs = performance.now();
    for (const [key, untilMs] of this.#restUntilMs)
      if (untilMs <= nowMs) this.#restUntilMs.delete(key);
    let taken: Delivery | undefined;
    try {
      return await sql.begin(async (tx) => {
        const arrival = await takeParked(tx, link.id, [...this.#restUntilMs.keys()]);
        const checked = arrival && checkArrival(link, arrival);
        if (!checked?.ok) return undefined;
        taken = checked.delivery;
        return this.#applyParked(tx, taken);
      });
    } catch (error) {
      if (!taken) throw error;
      const settlement = await this.#afterFailure(taken, error, true);
      if (settlement.outcome === 'retry')
        this.#restUntilMs.set(taken.key, performance.now() + (settlement.retryAfterMs ?? 0));
      return settlement;
    }
  }

  async #applyParked(tx: Transaction, delivery: Delivery): Promise<Settlement> {
    const { link, handler } = this.#options;
    if (handler.kind !== 'functional')
      throw new LinkError('UNKNOWN_LINK', `${link.id} has no order`);
    const { now, positions } = takeTurns(
      [delivery],
      await lockPositions(tx, link.id, [delivery.key]),
    );
    const outcome = now.length === 1 ? 'applied' : 'superseded';
    if (outcome === 'applied')
      await withinLimit(this.#limits.handlerTimeoutMs, handler.apply(tx, delivery));
    await savePositions(tx, link.id, positions);
    await setOutcome(tx, [delivery.eventId], outcome);
    return settle(delivery, outcome);
  }

  // ---- failures ----

  async #afterFailure(delivery: Delivery, error: unknown, isParked = false): Promise<Settlement> {
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
      return await (isParked
        ? this.#dieParked(delivery, reason, detail, attempts)
        : this.#die(delivery, reason, detail, attempts));
    } catch (failure) {
      log.error({ err: failure, link: link.id }, 'recording a failed message failed');
      return retry(delivery, DATABASE_RETRY_MS, detail);
    }
  }

  async #refuse(arrival: Arrival, reason: DeadReason, detail: string): Promise<Settlement> {
    const { log, link } = this.#options;
    log.error({ link: link.id, eventId: arrival.eventId, reason, detail }, 'message refused');
    try {
      if (arrival.isShadow) {
        await this.#shadows.refused(arrival, `${reason}: ${detail}`);
        return settle(arrival, 'duplicate');
      }
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

  /** A parked message is in the inbox already: it only changes its state. */
  async #dieParked(
    delivery: Delivery,
    reason: DeadReason,
    detail: string,
    attempts: number,
  ): Promise<Settlement> {
    await this.#options.sql.begin(async (tx) => {
      await removeParked(tx, delivery.eventId);
      await setOutcome(tx, [delivery.eventId], 'dead');
      await bury(tx, delivery, { reason, detail, attempts });
    });
    return { ...settle(delivery, 'dead'), detail };
  }

  async #alarmReused(delivery: Delivery): Promise<void> {
    const { sql, log, link, onAlarm } = this.#options;
    log.fatal({ link: link.id, eventId: delivery.eventId }, ID_REUSED);
    onAlarm?.('ID_REUSED', delivery.eventId);
    await sql.begin(async (tx) => {
      await bury(tx, delivery, { reason: 'ID_REUSED', detail: ID_REUSED, attempts: 1 });
    });
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
