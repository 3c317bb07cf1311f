/**
 * Relays one link: reads its open rows, dispatches each by its lane's adopted route, and closes what
 * receipts settle. One pass (`pump`) decides from what is in memory; dispatchers answer later and
 * only ever steer the flight generation they were given.
 */

import { declareFailpoints, failpoint } from '../../runtime/failpoints.ts';
import type { Log } from '../../runtime/log.ts';
import type { Database } from '../../runtime/postgres.ts';
import type {
  Dispatcher,
  DispatchReceipt,
  DispatchResult,
  Parcel,
} from '../dispatch/dispatcher.ts';
import { textFor } from '../dispatch/dispatcher.ts';
import { type LinkDefinition, legOf } from '../link.ts';
import { backoffMs } from './backoff.ts';
import { Closer } from './closer.ts';
import { type Flight, LegWindow } from './flight.ts';
import { KeyQueue } from './keyQueue.ts';
import { LaneGate } from './laneGate.ts';
import type { OwnedLanes } from './lanes.ts';
import { parcelsFor } from './parcels.ts';
import { LegProgress } from './progress.ts';
import { GAP_MARGIN, type OutboxRow, readOpen, readRows } from './rows.ts';

declareFailpoints('relay.after-read', 'relay.after-dispatch', 'relay.before-close');

/** Open rows held in memory per leg. Four publish batches: enough to keep two in flight. */
const WINDOW = 4_096;
/** Rows read or published at once; more gain little (measured 1.7 times from 100 to 1,000). */
const BATCH = 1_000;
/** Publish batches in flight, in order: the second hides the round trip of the first. */
const PUBLISHING = 2;
/** Messages waiting for their turn on a sync route, per leg. */
const QUEUED = 256;
/** How often everything is read again, for rows that committed later than GAP_MARGIN others. */
const SWEEP_EVERY_MS = 500;
/** A sent message without a receipt is asked for after this time, then ever more rarely. */
const ASK_AFTER_MS = 2_000;
const ASK_BACKOFF = { baseMs: 2_000, capMs: 30_000 };
/** Ids one GetReceipts call asks for. */
const ASK_BATCH = 500;
const RETRY_BACKOFF = { baseMs: 50, capMs: 5_000 };
/** A message parked at its consumer is asked for again, in case the receipt of its turn was lost. */
const PARKED_ASK_MS = 5_000;

/** Asks a consumer what became of messages. Rejects when it does not answer. */
export type AskReceipts = (
  consumer: string,
  eventIds: readonly string[],
) => Promise<{ receipts: readonly DispatchReceipt[]; isStreamIdle: boolean }>;

export interface LinkRelayOptions {
  readonly sql: Database;
  readonly log: Log;
  readonly link: LinkDefinition;
  readonly instance: string;
  readonly owned: OwnedLanes;
  readonly async: Dispatcher;
  /** One for each consumer. */
  readonly sync: Readonly<Record<string, Dispatcher>>;
  readonly ask: AskReceipts;
  /** Something happened that makes another pass worthwhile. */
  readonly wake: () => void;
  /** A consumer committed the effect of this row. */
  readonly onSettled: (seq: number) => void;
}

interface Leg {
  readonly consumer: string;
  readonly window: LegWindow;
  readonly gate: LaneGate;
  readonly queue: KeyQueue;
  readonly closer: Closer;
  readonly progress: LegProgress;
  /** Read but not dispatched, in the order of the outbox. */
  pending: Flight[];
  waiting: Set<Flight>;
  isBehind: boolean;
}

export class LinkRelay {
  readonly #options: LinkRelayOptions;
  readonly legs: readonly Leg[];
  #publishing = 0;
  #publishPausedUntilMs = 0;
  #publishFailures = 0;
  #sweptAtMs = 0;
  #sweepTookMs = 0;
  #askedAtMs = 0;
  #isAsking = false;

  constructor(options: LinkRelayOptions) {
    this.#options = options;
    this.legs = Object.keys(options.link.consumers).map((consumer) => this.#createLeg(consumer));
  }

  #createLeg(consumer: string): Leg {
    const { sql, log, link, instance, owned } = this.#options;
    const leg = legOf(link.id, consumer);
    const window = new LegWindow(leg);
    const gate = new LaneGate({ sql, link: link.id, leg, instance, owned, window });
    const closer = new Closer(window, {
      sql,
      log,
      link: link.id,
      instance,
      termOf: (lane) => owned.get(lane),
      textOf: (flight) =>
        textFor(link, flight.row, flight.route?.version ?? flight.row.eventVersion),
      onClosed: (_window, flights) => this.#onClosed(consumer, flights),
      onLost: (_window, lanes) => this.#readAgain(consumer, lanes),
    });
    const queue = new KeyQueue();
    const progress = new LegProgress();
    return {
      consumer,
      window,
      gate,
      queue,
      closer,
      progress,
      pending: [],
      waiting: new Set(),
      isBehind: false,
    };
  }

  #leg(consumer: string): Leg | undefined {
    return this.legs.find((leg) => leg.consumer === consumer);
  }

  /** One pass. Answers whether rows are left that were not read yet. */
  async pump(): Promise<boolean> {
    for (const leg of this.legs) {
      const opened = await leg.gate.adopt();
      if (opened.unheld.length > 0) this.#takeBack(leg, opened.unheld);
      if (opened.isChanged) leg.window.rewind();
      leg.window.applyRewind();
    }
    const isBehind = await this.#read();
    await failpoint('relay.after-read');
    this.#dispatchDue();
    void this.#askForReceipts();
    return isBehind;
  }

  /** Lanes came or went: what was held of the lost ones is forgotten, the new ones are read. */
  async lanesChanged(): Promise<void> {
    for (const leg of this.legs) {
      const lost = leg.gate.lanesChanged();
      this.#forget(leg, lost);
      leg.window.rewind();
      await leg.gate.noteTaken();
    }
  }

  // ---- reading ----

  async #read(): Promise<boolean> {
    const nowMs = performance.now();
    const isSweep = nowMs - this.#sweptAtMs > Math.max(SWEEP_EVERY_MS, 20 * this.#sweepTookMs);
    const orders = this.legs
      .map((leg) => ({
        leg: leg.window.leg,
        tail: leg.window.tail,
        laneMask: leg.gate.readMask(),
        limit: Math.max(0, Math.min(BATCH, WINDOW - leg.window.size)),
      }))
      .filter((order) => order.laneMask !== 0);
    if (orders.length === 0) return false;
    const open = await readOpen(this.#options.sql, orders, isSweep ? Infinity : GAP_MARGIN);
    if (isSweep) {
      this.#sweptAtMs = performance.now();
      this.#sweepTookMs = this.#sweptAtMs - nowMs;
    }
    for (const leg of this.legs) {
      const late = (open.before.get(leg.window.leg) ?? []).filter((seq) => !leg.window.has(seq));
      if (late.length > 0) {
        const rows = await readRows(this.#options.sql, leg.window.leg, late.slice(0, BATCH));
        this.#take(leg, rows, false);
      }
      const order = orders.find((one) => one.leg === leg.window.leg);
      const rows = open.rows.filter((row) => row.leg === leg.window.leg);
      this.#take(leg, rows, true);
      leg.isBehind = order !== undefined && order.limit > 0 && rows.length === order.limit;
    }
    return this.legs.some((leg) => leg.isBehind);
  }

  #take(leg: Leg, rows: readonly OutboxRow[], isTail: boolean): void {
    const nowMs = performance.now();
    for (const row of rows) {
      if (isTail && row.seq > leg.window.tail) leg.window.tail = row.seq;
      if (leg.window.has(row.seq) || !leg.gate.owns(row.lane)) continue;
      leg.pending.push(leg.window.add(row, nowMs));
    }
  }

  // ---- dispatching ----

  #dispatchDue(): void {
    const nowMs = performance.now();
    const publish: { leg: Leg; flight: Flight }[] = [];
    const canPublish = this.#publishing < PUBLISHING && nowMs >= this.#publishPausedUntilMs;
    for (const leg of this.legs) {
      this.#requeueDue(leg, nowMs);
      const later: Flight[] = [];
      for (const flight of leg.pending) {
        const route = leg.gate.dispatchRoute(flight);
        if (!route) later.push(flight);
        else if (route.transport === 'sync') {
          if (leg.queue.size < QUEUED) this.#enqueueCall(leg, flight);
          else later.push(flight);
        } else if (route.transport === 'async') {
          if (canPublish && publish.length < BATCH * this.legs.length)
            publish.push({ leg, flight });
          else later.push(flight);
        } else this.#settle(leg, flight, flight.row.eventId, 'superseded', route.epoch);
      }
      leg.pending = later;
      this.#startCalls(leg);
    }
    if (publish.length > 0) void this.#publish(publish);
  }

  /** Flights whose wait is over: back to where their route wants them, before newer ones. */
  #requeueDue(leg: Leg, nowMs: number): void {
    if (leg.waiting.size === 0) return;
    const due = [...leg.waiting].filter((flight) => flight.dueMs <= nowMs);
    if (due.length === 0) return;
    for (const flight of due) {
      leg.waiting.delete(flight);
      if (flight.route?.transport === 'sync') {
        flight.state = 'queued';
        leg.queue.again(flight);
      } else leg.pending.push(flight);
    }
    leg.pending.sort((a, b) => a.row.seq - b.row.seq);
  }

  #enqueueCall(leg: Leg, flight: Flight): void {
    flight.route = leg.gate.dispatchRoute(flight)!;
    leg.queue.push(flight);
  }

  #startCalls(leg: Leg): void {
    for (let flight = leg.queue.take(); flight; flight = leg.queue.take())
      void this.#call(leg, flight);
  }

  async #call(leg: Leg, flight: Flight): Promise<void> {
    const generation = flight.generation;
    flight.state = 'sending';
    const shadow = leg.gate.shadowOf(flight.row.lane);
    const isCopied = shadow === 'async';
    const route = flight.route!;
    const parcel: Parcel = {
      row: flight.row,
      version: route.version,
      to: [{ consumer: leg.consumer, epoch: route.epoch }],
      shadow: [],
      copied: isCopied ? [leg.consumer] : [],
      resends: flight.resends,
    };
    if (isCopied && flight.failures === 0)
      void this.#options.async.dispatch([{ ...parcel, to: [], shadow: [leg.consumer] }]);
    const [result] = await this.#options.sync[leg.consumer]!.dispatch([parcel]);
    await failpoint('relay.after-dispatch');
    if (result!.kind === 'receipt') leg.queue.answered();
    else leg.queue.failed();
    this.#onResult(leg, flight, generation, result!);
    this.#startCalls(leg);
    this.#options.wake();
  }

  async #publish(batch: readonly { leg: Leg; flight: Flight }[]): Promise<void> {
    this.#publishing += 1;
    const generations = batch.map(({ flight }) => flight.generation);
    for (const { leg, flight } of batch) {
      flight.route = leg.gate.dispatchRoute(flight)!;
      flight.state = 'sending';
    }
    const parcels = parcelsFor(
      batch.map(({ leg, flight }) => ({
        consumer: leg.consumer,
        flight,
        isCopied: leg.gate.shadowOf(flight.row.lane) === 'sync',
      })),
    );
    this.#sendCallCopies(batch);
    const results = await this.#options.async.dispatch(parcels.map((one) => one.parcel));
    await failpoint('relay.after-dispatch');
    this.#publishing -= 1;
    const resultOf = new Map<Flight, DispatchResult>();
    parcels.forEach((one, i) => {
      for (const flight of one.flights) resultOf.set(flight, results[i]!);
    });
    let failed: string | undefined;
    batch.forEach(({ leg, flight }, i) => {
      const result = resultOf.get(flight)!;
      if (result.kind === 'failed') failed = result.reason;
      this.#onResult(leg, flight, generations[i]!, result);
    });
    this.#pausePublishing(failed);
    this.#options.wake();
  }

  /** An unknown outcome stops the link's publishing: going on at once would reorder keys. */
  #pausePublishing(failed: string | undefined): void {
    this.#publishFailures = failed ? this.#publishFailures + 1 : 0;
    if (!failed) return;
    const pauseMs = backoffMs(this.#publishFailures, RETRY_BACKOFF);
    this.#publishPausedUntilMs = performance.now() + pauseMs;
    this.#options.log.warn(
      { link: this.#options.link.id, reason: failed, pauseMs },
      'publish failed',
    );
  }

  #sendCallCopies(batch: readonly { leg: Leg; flight: Flight }[]): void {
    for (const { leg, flight } of batch) {
      if (leg.gate.shadowOf(flight.row.lane) !== 'sync' || flight.resends > 0) continue;
      void this.#options.sync[leg.consumer]!.dispatch([
        {
          row: flight.row,
          version: flight.route!.version,
          to: [],
          shadow: [leg.consumer],
          copied: [],
          resends: 0,
        },
      ]);
    }
  }

  // ---- answers ----

  #onResult(leg: Leg, flight: Flight, generation: number, result: DispatchResult): void {
    if (result.kind === 'receipt') {
      const { eventId, outcome, epoch, retryAfterMs, detail } = result.receipt;
      if (outcome === 'retry' || outcome === 'fenced') {
        if (flight.generation === generation)
          this.#retry(leg, flight, detail ?? outcome, retryAfterMs);
      } else this.#settle(leg, flight, eventId, outcome, epoch);
      return;
    }
    if (flight.generation !== generation || flight.state === 'settled') return;
    if (result.kind === 'failed') return this.#retry(leg, flight, result.reason);
    flight.state = 'sent';
    flight.failures = 0;
    flight.sentAtMs = performance.now();
    flight.dueMs = flight.sentAtMs + ASK_AFTER_MS;
    leg.progress.dispatched += 1;
  }

  #retry(leg: Leg, flight: Flight, reason: string, afterMs?: number): void {
    if (!leg.window.has(flight.row.seq) || flight.state === 'settled') return;
    flight.failures += 1;
    flight.state = 'waiting';
    flight.dueMs = performance.now() + (afterMs ?? backoffMs(flight.failures, RETRY_BACKOFF));
    leg.waiting.add(flight);
    leg.progress.failedWith(reason);
  }

  /** Receipts that were pushed by a consumer. Unknown ids belong to another relay's lanes. */
  receive(consumer: string, receipts: readonly DispatchReceipt[]): void {
    const leg = this.#leg(consumer);
    if (!leg) return;
    for (const { eventId, outcome, epoch } of receipts) {
      const flight = leg.window.ofEvent(eventId);
      if (!flight || outcome === 'retry' || outcome === 'fenced') continue;
      this.#settle(leg, flight, eventId, outcome, epoch);
    }
    this.#options.wake();
  }

  #settle(
    leg: Leg,
    flight: Flight,
    eventId: string,
    outcome: Exclude<DispatchReceipt['outcome'], 'retry' | 'fenced'>,
    epoch: bigint,
  ): void {
    if (leg.window.ofEvent(eventId) !== flight || flight.state === 'settled') return;
    leg.waiting.delete(flight);
    leg.queue.leave(flight);
    if (outcome === 'parked') return this.#park(leg, flight);
    if (flight.state === 'parked') leg.window.parked -= 1;
    if (flight.state === 'pending') leg.pending = leg.pending.filter((other) => other !== flight);
    flight.settledEpoch = epoch;
    leg.progress.settled(performance.now() - flight.openedAtMs);
    leg.closer.close(flight);
    this.#options.onSettled(flight.row.seq);
  }

  #park(leg: Leg, flight: Flight): void {
    if (flight.state !== 'parked') leg.window.parked += 1;
    flight.state = 'parked';
    flight.dueMs = performance.now() + PARKED_ASK_MS;
  }

  /** Asks for receipts that did not come; what the consumer does not know is sent again. */
  async #askForReceipts(): Promise<void> {
    const nowMs = performance.now();
    if (this.#isAsking || nowMs - this.#askedAtMs < ASK_AFTER_MS / 4) return;
    this.#askedAtMs = nowMs;
    this.#isAsking = true;
    try {
      for (const leg of this.legs) await this.#askLeg(leg, nowMs);
    } finally {
      this.#isAsking = false;
    }
  }

  async #askLeg(leg: Leg, nowMs: number): Promise<void> {
    const overdue: Flight[] = [];
    for (const flight of leg.window.all()) {
      if ((flight.state !== 'sent' && flight.state !== 'parked') || flight.dueMs > nowMs) continue;
      overdue.push(flight);
      if (overdue.length === ASK_BATCH) break;
    }
    if (overdue.length === 0) return;
    try {
      const ids = overdue.map((flight) => flight.row.eventId);
      const { receipts, isStreamIdle } = await this.#options.ask(leg.consumer, ids);
      this.receive(leg.consumer, receipts);
      for (const flight of overdue) this.#afterAsking(leg, flight, isStreamIdle);
    } catch (error) {
      leg.progress.failedWith(`asking for receipts: ${(error as Error).message}`);
      for (const flight of overdue) flight.dueMs = performance.now() + ASK_AFTER_MS;
    }
  }

  #afterAsking(leg: Leg, flight: Flight, isStreamIdle: boolean): void {
    const nowMs = performance.now();
    if (flight.state === 'parked') flight.dueMs = nowMs + PARKED_ASK_MS;
    if (flight.state !== 'sent') return;
    const isGivenUp = nowMs - flight.sentAtMs > ASK_BACKOFF.capMs;
    if (isStreamIdle || isGivenUp) {
      flight.resends += 1;
      flight.state = 'pending';
      leg.pending.unshift(flight);
    } else {
      flight.failures += 1;
      flight.dueMs = nowMs + backoffMs(flight.failures, ASK_BACKOFF);
    }
  }

  // ---- letting go ----

  /** A change that does not hold: what these lanes have in flight is dispatched again. */
  #takeBack(leg: Leg, lanes: readonly number[]): void {
    for (const lane of lanes)
      for (const flight of leg.window.ofLane(lane)) {
        if (!flight.isInFlight()) continue;
        leg.queue.leave(flight);
        leg.waiting.delete(flight);
        flight.generation += 1;
        flight.resends += 1;
        flight.state = 'pending';
        leg.pending.push(flight);
      }
    leg.pending.sort((a, b) => a.row.seq - b.row.seq);
  }

  #forget(leg: Leg, lanes: ReadonlySet<number>): void {
    if (lanes.size === 0) return;
    for (const flight of [...leg.window.all()]) {
      if (!lanes.has(flight.row.lane)) continue;
      leg.queue.leave(flight);
      leg.waiting.delete(flight);
      flight.generation += 1;
      leg.window.remove(flight);
    }
    leg.pending = leg.pending.filter((flight) => !lanes.has(flight.row.lane));
  }

  #readAgain(consumer: string, lanes: ReadonlySet<number>): void {
    const leg = this.#leg(consumer)!;
    this.#forget(leg, lanes);
    leg.window.rewind();
    this.#options.wake();
  }

  #onClosed(consumer: string, flights: readonly Flight[]): void {
    const leg = this.#leg(consumer)!;
    for (const flight of flights) leg.window.remove(flight);
    this.#options.wake();
  }

  /** Whether a read can take more rows into memory. */
  hasRoom(): boolean {
    return this.legs.some((leg) => leg.isBehind && leg.window.size < WINDOW);
  }

  /** Waits until nothing is in flight and every removal under way is done. */
  async settleInFlight(): Promise<void> {
    for (const leg of this.legs) {
      while ([...leg.window.all()].some((flight) => flight.state === 'sending'))
        await new Promise((resolve) => setTimeout(resolve, 5));
      await leg.closer.idle();
    }
  }
}
