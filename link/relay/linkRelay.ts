/**
 * Relays one link: reads its open rows, dispatches each by its lane's adopted route, and closes
 * what receipts settle. One pass (`pump`) decides from what is in memory; dispatchers report later,
 * each for the generation of the flight that it was given.
 */
import { messageOf } from '../../runtime/errors.ts';
import { declareFailpoints, failpoint } from '../../runtime/failpoints.ts';
import { pause } from '../../runtime/wake.ts';
import { ASK_AFTER_MS, backoffMs, RETRY_BACKOFF } from '../backoff.ts';
import { readOpen, readRows } from '../outbox/openRows.ts';
import type { Dispatcher, DispatchResult } from '../transport/dispatcher.ts';
import type { StreamLook } from '../transport/jetStream/look.ts';
import type { Receipt } from '../wire/receipt.ts';
import type { Flight } from './flight.ts';
import { LegRelay, type LegRelayOptions } from './legRelay.ts';
import { type Shipment, shipmentsOf } from './parcels.ts';
import { findUnknown } from './sweep.ts';

declareFailpoints('relay.after-read', 'relay.after-publish');

/** Rows published at once; more gain little (100 to 1,000 measured 1.7 times). */
const BATCH = 1_000;
/** Publish batches in flight, in order: the second hides the round trip of the first. */
const PUBLISHING = 2;
/**
 * Without a wake or a hint the outbox is read after this time, less and less often while it stays empty:
 * what a process committed that died before it said so waits for the longest.
 */
const IDLE_READ_MIN_MS = 10;
const IDLE_READ_MAX_MS = 500;
/**
 * How often everything is looked through, to find rows that more than GAP_MARGIN others overtook, and
 * rows that have the number of another one.
 */
const SWEEP_EVERY_MS = 500;
/** The share of time that sweeps may take, however large the outbox is. */
const SWEEP_SHARE = 1 / 20;
/** How often to look whether what is under way has ended, when the process stops. */
const LOOK_MS = 5;
/** Ids one GetReceipts call asks for. */
const ASK_BATCH = 500;
/** How often to look for overdue receipts. */
const ASK_EVERY_MS = ASK_AFTER_MS / 4;

/** Asks a consumer what became of messages. Rejects when it does not answer. */
export type AskReceipts = (
  consumer: string,
  eventIds: readonly string[],
) => Promise<{ receipts: readonly Receipt[] }>;

/** Looks what the stream has for a consumer. Rejects when the broker does not answer. */
export type LookAtStream = (consumer: string) => Promise<StreamLook>;

/** Makes the consumer refuse what was dispatched to a lane under an older epoch. */
export type RaiseFence = (consumer: string, lane: number, minEpoch: bigint) => Promise<void>;

export interface LinkRelayOptions extends Omit<LegRelayOptions, 'consumer' | 'sync'> {
  /** One for each consumer. */
  readonly sync: Readonly<Record<string, Dispatcher>>;
  readonly ask: AskReceipts;
  readonly look: LookAtStream;
  readonly raiseFence: RaiseFence;
}

export class LinkRelay {
  readonly #options: LinkRelayOptions;
  readonly legs: readonly LegRelay[];
  #publishing = 0;
  #publishPausedUntilMs = 0;
  #publishFailures = 0;
  #isReadWanted = true;
  #idleReadMs = IDLE_READ_MIN_MS;
  #nextReadAtMs = 0;
  #askedAtMs = 0;
  #isAsking = false;

  constructor(options: LinkRelayOptions) {
    this.#options = options;
    this.legs = Object.keys(options.link.consumers).map(
      (consumer) => new LegRelay({ ...options, consumer, sync: options.sync[consumer]! }),
    );
  }

  /** Rows were committed: the next pass reads. */
  wantRead(): void {
    this.#isReadWanted = true;
    this.#options.wake();
  }

  /** One pass. Returns how long the next one may wait, in milliseconds. */
  async pump(): Promise<number> {
    for (const leg of this.legs) {
      await this.#followLanes(leg);
      const moved = await leg.gate.adopt();
      if (moved.length > 0) leg.takeBack(moved);
      // What was left unread behind a closed gate.
      this.#isReadWanted ||= moved.length > 0;
    }
    if (this.#isReadDue()) await this.#readAll();
    await failpoint('relay.after-read');
    // A process that was frozen during the pass renews its leases first.
    if (!this.#options.isLeaseValid()) return 0;
    this.#dispatchDue();
    void this.#askForReceipts();
    return this.#isReadDue() ? 0 : Math.max(1, this.#nextReadAtMs - performance.now());
  }

  /** When the set of owned lanes changed: forgets flights of lost lanes and reads the new ones. */
  async #followLanes(leg: LegRelay): Promise<void> {
    leg.forget(leg.gate.dropLost());
    for (const lane of await leg.gate.noteTaken()) leg.window.restart(lane);
  }

  // ---- reading ----

  #isReadDue(): boolean {
    const hasRoom = () => this.legs.some((leg) => leg.window.isBehind(leg.gate.readMask()));
    return this.#isReadWanted || hasRoom() || performance.now() >= this.#nextReadAtMs;
  }

  async #readAll(): Promise<void> {
    this.#isReadWanted = false;
    const hasRead = await this.#read();
    const idleMs = Math.min(this.#idleReadMs * 2, IDLE_READ_MAX_MS);
    this.#idleReadMs = hasRead ? IDLE_READ_MIN_MS : idleMs;
    this.#nextReadAtMs = performance.now() + this.#idleReadMs;
  }

  /** Returns whether there was anything new. */
  async #read(): Promise<boolean> {
    const orders = this.legs.flatMap((leg) =>
      leg.window.orders(leg.gate.readMask()).map((order) => ({ leg, order })),
    );
    if (orders.length === 0) return false;
    const reads = await readOpen(
      this.#options.queueSql,
      orders.map(({ order }) => order),
    );
    for (const [i, { leg, order }] of orders.entries()) {
      await this.#takeLate(leg, leg.read(order, reads[i]!));
    }
    return reads.some(({ rows }) => rows.length > 0);
  }

  /** They go out before newer ones. */
  async #takeLate(leg: LegRelay, late: readonly number[]): Promise<void> {
    if (late.length === 0) return;
    leg.take(await readRows(this.#options.queueSql, leg.window.leg, late.slice(0, BATCH)));
  }

  /**
   * Looks through everything that was passed. A loop of its own: however long it takes, messages flow.
   * Returns how long the next one may wait, in milliseconds.
   */
  async sweep(): Promise<number> {
    const nowMs = performance.now();
    for (const leg of this.legs)
      for await (const late of findUnknown(this.#options.queueSql, leg))
        await this.#takeLate(leg, late);
    return Math.max(SWEEP_EVERY_MS, (performance.now() - nowMs) / SWEEP_SHARE);
  }

  // ---- publishing ----

  #dispatchDue(): void {
    const canPublish =
      this.#publishing < PUBLISHING && performance.now() >= this.#publishPausedUntilMs;
    const legs = this.legs.map((leg) => leg.startDue(canPublish ? BATCH : 0));
    const shipments = shipmentsOf(legs);
    if (shipments.length > 0) void this.#publish(shipments);
  }

  async #publish(shipments: readonly Shipment[]): Promise<void> {
    this.#publishing += 1;
    const results = await this.#options.async.dispatch(shipments.map(({ parcel }) => parcel));
    await failpoint('relay.after-publish');
    this.#publishing -= 1;
    for (const [i, { departures }] of shipments.entries())
      for (const { onResult } of departures) onResult(results[i]!);
    this.#afterPublish(results);
    this.#options.wake();
  }

  /** An unknown outcome pauses the link's publishing: going on at once would reorder keys. */
  #afterPublish(results: readonly DispatchResult[]): void {
    const failed = results.find((result) => result.kind === 'failed');
    this.#publishFailures = failed ? this.#publishFailures + 1 : 0;
    if (!failed) return;
    const pauseMs = backoffMs(this.#publishFailures, RETRY_BACKOFF);
    this.#publishPausedUntilMs = performance.now() + pauseMs;
    const { log, link } = this.#options;
    log.warn({ link: link.id, reason: failed.reason, pauseMs }, 'publishing failed');
  }

  // ---- receipts ----

  /** Receipts that were pushed by a consumer. */
  receive(consumer: string, receipts: readonly Receipt[]): void {
    const leg = this.legs.find((one) => one.consumer === consumer);
    for (const receipt of receipts) leg?.receive(receipt);
    this.#options.wake();
  }

  /** Asks for missing receipts; what the consumer does not know is sent again. */
  async #askForReceipts(): Promise<void> {
    const nowMs = performance.now();
    if (this.#isAsking || nowMs - this.#askedAtMs < ASK_EVERY_MS) return;
    this.#askedAtMs = nowMs;
    this.#isAsking = true;
    try {
      for (const leg of this.legs) await this.#askLeg(leg);
    } finally {
      this.#isAsking = false;
    }
  }

  async #askLeg(leg: LegRelay): Promise<void> {
    const overdue = leg.window.overdue(performance.now(), ASK_BATCH);
    if (overdue.length === 0) return;
    try {
      const leaving = overdue.filter((flight) => flight.isAskedFor);
      await this.#fence(leg, leaving);
      const ids = overdue.map((flight) => flight.row.eventId);
      const look = await this.#look(leg, overdue);
      const { receipts } = await this.#options.ask(leg.consumer, ids);
      this.receive(leg.consumer, receipts);
      for (const flight of leaving) leg.closeUnknown(flight);
      const known = new Set(receipts.map((receipt) => receipt.eventId));
      for (const flight of overdue) leg.afterAsking(flight, known.has(flight.row.eventId), look);
    } catch (error) {
      leg.notAnswered(overdue, `no receipt, and asking for it failed: ${messageOf(error)}`);
    }
  }

  /** Once for all of them; undefined where none was stored, or nobody can tell. */
  async #look(leg: LegRelay, overdue: readonly Flight[]): Promise<StreamLook | undefined> {
    if (!overdue.some(({ stored }) => stored)) return undefined;
    const look = await this.#options.look(leg.consumer).catch(() => undefined);
    leg.streamCreated = look?.created ?? leg.streamCreated;
    return look;
  }

  /**
   * Before rows are left to `pull`: makes sure that a delivery still on its way can have no effect.
   */
  async #fence(leg: LegRelay, leaving: readonly Flight[]): Promise<void> {
    for (const lane of new Set(leaving.map(({ row }) => row.lane))) {
      const epoch = leg.gate.adoptedEpochOf(lane);
      if (epoch !== undefined) await this.#options.raiseFence(leg.consumer, lane, epoch);
    }
  }

  /** Waits until every dispatch has its result and every row being closed is closed, or it is given up. */
  async settleInFlight(givenUp: AbortSignal): Promise<void> {
    for (const leg of this.legs) {
      const isSending = () => [...leg.window.all()].some(({ state }) => state === 'sending');
      while (!givenUp.aborted && isSending()) await pause(LOOK_MS);
      await leg.closer.idle();
    }
  }
}
