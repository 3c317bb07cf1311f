/**
 * One leg of a link in the relay: its window, its queue of calls, and what results mean.
 * `linkRelay.ts` reads rows and publishes for all legs; `flight.ts` says how a flight may change.
 */
import { declareFailpoints, failpoint } from '../../runtime/failpoints.ts';
import type { Log } from '../../runtime/log.ts';
import type { Database } from '../../runtime/postgres.ts';
import { ASK_AFTER_MS } from '../backoff.ts';
import { type LinkDefinition, legOf } from '../link.ts';
import { NOT_DELIVERED } from '../outbox/closeRows.ts';
import { Closer } from '../outbox/closer.ts';
import type { OpenRows, OutboxRow } from '../outbox/openRows.ts';
import type { Dispatcher, DispatchResult } from '../transport/dispatcher.ts';
import type { StreamLook } from '../transport/jetStream/look.ts';
import { isReadable } from '../versions.ts';
import type { Parcel } from '../wire/parcel.ts';
import type { Receipt } from '../wire/receipt.ts';
import { Answers } from './answers.ts';
import { CallCopies } from './callCopies.ts';
import type { Flight } from './flight.ts';
import { settledText, versionOf } from './flightText.ts';
import { HeldKeys } from './heldKeys.ts';
import { KeyQueue } from './keyQueue.ts';
import { LaneGate } from './laneGate.ts';
import type { OwnedLanes } from './lanes.ts';
import type { Departure } from './parcels.ts';
import { PendingFlights, type Verdict } from './pending.ts';
import { LegProgress, placeOf } from './progress.ts';
import type { Route } from './routes.ts';
import { LegWindow, type WindowOrder } from './window.ts';

declareFailpoints('relay.after-call');

const NOBODY: readonly string[] = [];
const HANDLER_FAILED = 'the consumer could not apply a message yet; its log says why';

export interface LegRelayOptions {
  readonly sql: Database;
  /** For the hot statements: a pool whose sessions are `QUEUE_SESSION`. */
  readonly queueSql: Database;
  readonly log: Log;
  readonly link: LinkDefinition;
  readonly consumer: string;
  readonly instance: string;
  readonly owned: OwnedLanes;
  /** Whether closed messages of functional links are kept for a while. */
  readonly keepsHistory: boolean;
  /** What its flights may take in memory. */
  readonly windowBytes: number;
  readonly sync: Dispatcher;
  /** Publishes copies of calls to the stream. */
  readonly async: Dispatcher;
  readonly wake: () => void;
  /** Whether the leases certainly hold at this moment. */
  readonly isLeaseValid: () => boolean;
  /** A row is of a contract version that this build does not read. */
  readonly onUnreadable: () => void;
}

export class LegRelay {
  readonly consumer: string;
  readonly window: LegWindow;
  readonly gate: LaneGate;
  readonly progress = new LegProgress();
  readonly answers = new Answers();
  readonly closer: Closer<Flight>;
  readonly #options: LegRelayOptions;
  readonly #queue = new KeyQueue();
  readonly #waiting = new Set<Flight>();
  readonly #held = new HeldKeys();
  readonly #copies: CallCopies;
  /** The message settled last: a probe of a link without a source sends a copy of it. */
  lastRow: OutboxRow | undefined;
  /** When the stream was made, as it was last looked at. */
  streamCreated: string | undefined;
  readonly #pending = new PendingFlights();

  constructor(options: LegRelayOptions) {
    const { queueSql, log, link, consumer, instance, owned } = options;
    const leg = legOf(link.id, consumer);
    this.#options = options;
    this.consumer = consumer;
    this.window = new LegWindow(leg, options.windowBytes);
    this.#copies = new CallCopies(options);
    this.gate = new LaneGate({ ...options, link: link.id, leg, window: this.window });
    this.closer = new Closer({
      sql: queueSql,
      log,
      leg,
      link: link.id,
      instance,
      termOf: (lane) => owned.get(lane),
      keepsHistory: options.keepsHistory && link.kind === 'functional',
      textOf: (flight) => settledText(link, flight),
      onClosed: (flights) => {
        for (const flight of flights) this.window.remove(flight);
        options.wake();
      },
      onLost: (lanes) => {
        for (const { row } of this.window.all())
          if (lanes.has(row.lane)) this.gate.noteSent(row.lane, row.seq);
        this.forget(lanes);
        options.wake();
      },
    });
  }

  /** Takes what was read; returns the numbers of rows that committed late and have to be fetched. */
  read(order: WindowOrder, open: OpenRows): number[] {
    const nowMs = performance.now();
    return this.window.read(order, open, (row) => this.#take(row, nowMs));
  }

  /** Adds rows that were found late: they go first. */
  take(rows: readonly OutboxRow[]): void {
    const nowMs = performance.now();
    for (const row of rows) this.#take(row, nowMs);
  }

  /** Unless the window has it already, or its lane is not ours. */
  #take(row: OutboxRow, nowMs: number): void {
    if (this.window.has(row) || !this.gate.owns(row.lane)) return;
    const former = this.window.at(row.seq);
    if (former) {
      const { leg, seq } = row;
      this.#options.log.warn({ leg, seq }, 'an open row is gone, and another has its number');
      this.#letGo([former]);
    }
    if (!isReadable(this.#options.link, row)) this.#options.onUnreadable();
    this.#pending.add(this.window.add(row, nowMs));
  }

  /** Starts what is due: makes the calls, and returns what to publish (at most `room`). */
  startDue(room: number): Departure[] {
    this.#requeueDue(performance.now());
    const publish: Departure[] = [];
    let copiesLeft = this.#copies.room;
    const mayPublish = ({ row }: Flight) =>
      publish.length < room && (this.gate.shadowOf(row.lane) !== 'sync' || copiesLeft-- > 0);
    this.#pending.look((flight) => {
      const route = this.gate.dispatchRoute(flight);
      if (route?.transport === 'sync') return this.#queueCall(flight, route);
      if (route?.transport === 'pull') {
        this.#leaveToPull(flight);
        return 'goes';
      }
      if (!route || this.#held.isBehind(flight)) return 'stays';
      if (!mayPublish(flight)) return 'ends';
      const departure = flight.publish(route) && this.#departureOf(flight);
      if (departure) publish.push(departure);
      return 'goes';
    });
    this.#startCalls();
    return publish;
  }

  #queueCall(flight: Flight, route: Route): Verdict {
    if (!this.#queue.hasRoomIn(flight.row.lane)) return 'ends';
    if (!this.#queue.hasRoomFor(flight)) return 'stays';
    if (flight.queue(route)) this.#queue.push(flight);
    return 'goes';
  }

  /** Returns flights whose wait is over to where their route wants them, ahead of newer ones. */
  #requeueDue(nowMs: number): void {
    if (this.#waiting.size === 0) return;
    const due = [...this.#waiting].filter((flight) => flight.dueMs <= nowMs);
    if (due.length === 0) return;
    for (const flight of due) {
      this.#waiting.delete(flight);
      if (!flight.tryAgain()) continue;
      if (flight.state === 'queued') this.#queue.again(flight);
      else this.#pending.add(flight);
    }
  }

  /** A message that the transport will not take is not tried, and nothing of its key passes it. */
  #departureOf(flight: Flight): Departure | undefined {
    const shadow = this.gate.shadowOf(flight.row.lane);
    const parcel = this.#parcelOf(flight, shadow === 'sync');
    const reason = this.#options.async.refusalOf?.(parcel);
    if (reason) {
      this.#refused(flight, reason);
      return undefined;
    }
    if (shadow === 'sync') this.#copies.send(flight);
    const { generation } = flight;
    return { parcel, onResult: (result) => this.onResult(flight, generation, result) };
  }

  #parcelOf(flight: Flight, isCopied: boolean): Parcel {
    const { row, resends } = flight;
    const version = versionOf(this.#options.link, flight);
    const to = [{ consumer: this.consumer, epoch: flight.route!.epoch }];
    const copied = isCopied ? [this.consumer] : NOBODY;
    return { row, version, to, shadow: NOBODY, copied, resends };
  }

  #startCalls(): void {
    while (this.#options.isLeaseValid()) {
      const flight = this.#queue.take();
      if (!flight) return;
      void this.#call(flight);
    }
  }

  async #call(flight: Flight): Promise<void> {
    const { sync, async, wake } = this.#options;
    const { generation, row } = flight;
    flight.call();
    const isCopied = this.gate.shadowOf(row.lane) === 'async';
    const parcel = this.#parcelOf(flight, isCopied);
    // At every attempt: a message marked as copied has a copy, even if copying began between two
    // attempts.
    if (isCopied) void async.dispatch([{ ...parcel, to: [], copied: [], shadow: [this.consumer] }]);
    const [result] = await sync.dispatch([parcel]);
    await failpoint('relay.after-call');
    this.#queue.ended(flight);
    this.onResult(flight, generation, result!);
    this.#startCalls();
    wake();
  }

  // ---- results ----

  /**
   * Takes a dispatcher's result for the flight as it was at `generation`. A receipt counts at any
   * time, other results only while the generation is current.
   */
  onResult(flight: Flight, generation: number, result: DispatchResult): void {
    const isCurrent = flight.generation === generation;
    if (result.kind === 'receipt') {
      const { outcome, epoch, version, retryAfterMs, detail } = result.receipt;
      if (outcome !== 'retry' && outcome !== 'fenced')
        this.settle(flight, outcome, { epoch, version });
      else if (isCurrent && outcome === 'fenced') this.#fenced(flight, epoch);
      else if (isCurrent) this.#retry(flight, detail || outcome, retryAfterMs);
    } else if (isCurrent && result.kind === 'failed') this.#retry(flight, result.reason);
    else if (isCurrent && result.kind === 'refused') this.#refused(flight, result.reason);
    else if (isCurrent && result.kind === 'sent') this.#handedOver(flight, result.streamSeq);
  }

  #handedOver(flight: Flight, seq: number | undefined): void {
    const stored = seq ? { seq, created: this.streamCreated } : undefined;
    if (!flight.handOver(performance.now(), stored)) return;
    this.#held.release(flight);
    this.progress.handedOver(placeOf(flight));
  }

  #retry(flight: Flight, reason: string, afterMs?: number): void {
    if (!flight.fail(performance.now(), reason, afterMs)) return;
    this.#waiting.add(flight);
    this.progress.failedWith(reason, placeOf(flight));
  }

  /** The reason is this message alone: its key waits behind it, and all others go on. */
  #refused(flight: Flight, reason: string): void {
    if (this.#held.isBehind(flight)) {
      if (flight.holdBack()) this.#pending.add(flight);
      return;
    }
    const { link, log } = this.#options;
    const { eventId } = flight.row;
    if (flight.blocked === undefined)
      log.warn({ link: link.id, consumer: this.consumer, eventId, reason }, 'message refused');
    this.#held.hold(flight);
    this.#retry(flight, reason);
  }

  /**
   * Takes a receipt, pushed or asked for. Ids that are not in the window belong to another relay.
   */
  receive({ eventId, outcome, epoch, version, detail = HANDLER_FAILED }: Receipt): void {
    const flight = this.window.ofEvent(eventId);
    if (!flight) return;
    if (outcome === 'fenced') return this.#fenced(flight, epoch);
    if (outcome !== 'retry') return this.settle(flight, outcome, { epoch, version });
    this.progress.failedWith(detail, placeOf(flight));
    flight.triedInVain(performance.now(), detail);
  }

  /** Its lane must get an epoch that the consumer accepts; then it is dispatched again. */
  #fenced(flight: Flight, minEpoch: bigint): void {
    const reason = `fenced: the consumer accepts epochs from ${minEpoch} on`;
    flight.blockedBy(reason, performance.now());
    if (this.gate.refusedBelow(flight.row.lane, minEpoch)) this.#options.wake();
    this.#retry(flight, reason);
  }

  settle(
    flight: Flight,
    outcome: Exclude<Receipt['outcome'], 'retry' | 'fenced'>,
    { epoch, version }: { readonly epoch: bigint; readonly version: number | undefined },
  ): void {
    const wasPending = flight.state === 'pending';
    const isParked = outcome === 'parked';
    if (!(isParked ? flight.park(performance.now()) : flight.settle(epoch, version))) return;
    this.#leave(flight);
    if (wasPending) this.#pending.remove(flight);
    if (isParked) return;
    this.lastRow = flight.row;
    const place = { lane: flight.row.lane, epoch };
    this.progress.settled(performance.now() - flight.openedAtMs, place);
    flight.isDead = outcome === 'dead';
    this.closer.close(flight);
    const isAwaited = flight.route?.transport === 'sync';
    this.answers.settled(flight.row.eventId, { isApplied: !flight.isDead, isAwaited });
  }

  /**
   * By `pull` nothing is delivered: the row is closed, and no certificate counts it. A row that an
   * earlier route may have delivered is first fenced off and asked for, so that its receipt counts
   * in the epoch it belongs to.
   */
  #leaveToPull(flight: Flight): void {
    if (this.gate.isCarried(flight)) flight.askBeforePull(performance.now());
    else this.#closeUndelivered(flight);
  }

  /**
   * The consumer was asked and does not know it, and its fence now refuses it: nobody will settle
   * it.
   */
  closeUnknown(flight: Flight): void {
    if (flight.isAskedFor && flight.state === 'sent') this.#closeUndelivered(flight);
  }

  #closeUndelivered(flight: Flight): void {
    if (!flight.settle(NOT_DELIVERED)) return;
    this.#held.release(flight);
    this.progress.settled(performance.now() - flight.openedAtMs, placeOf(flight));
    this.closer.close(flight);
  }

  // ---- receipts that did not come ----

  /**
   * After asking the consumer: a message that it does not know, not even as parked, is sent again unless
   * the stream still had it before.
   */
  afterAsking(flight: Flight, isKnown: boolean, look: StreamLook | undefined): void {
    const nowMs = performance.now();
    // An unknown parked message: the consumer's database was restored from a backup.
    const isLost = flight.state === 'parked' ? !isKnown : flight.isLost(nowMs, look);
    if (!isLost) flight.askLater(nowMs);
    else if (flight.resend()) this.#pending.add(flight);
  }

  /** The consumer could not be asked. */
  notAnswered(overdue: readonly Flight[], reason: string): void {
    const nowMs = performance.now();
    this.progress.failedWith(reason);
    for (const flight of overdue) {
      if (!flight.isOverdue(nowMs)) continue; // its receipt came in the meantime
      flight.blockedBy(reason, nowMs);
      flight.dueMs = nowMs + ASK_AFTER_MS;
    }
  }

  // ---- letting go ----

  /** After a change that did not hold: dispatches again what these lanes have in flight. */
  takeBack(lanes: readonly number[]): void {
    for (const flight of this.window.all()) {
      if (!lanes.includes(flight.row.lane)) continue;
      if (flight.route?.epoch === this.gate.adoptedEpochOf(flight.row.lane)) continue;
      const wasPending = flight.state === 'pending';
      if (!flight.takeBack()) continue;
      this.#leave(flight);
      if (!wasPending) this.#pending.add(flight);
    }
  }

  /** These lanes are no longer ours, or the state of their rows is unknown. */
  forget(lanes: ReadonlySet<number>): void {
    if (lanes.size === 0) return;
    this.#letGo([...this.window.all()].filter(({ row }) => lanes.has(row.lane)));
    for (const lane of lanes) this.window.restart(lane);
  }

  /** A receipt that still comes for one of them closes nothing. */
  #letGo(flights: readonly Flight[]): void {
    if (flights.length === 0) return;
    for (const flight of flights) {
      this.#leave(flight);
      this.window.remove(flight);
    }
    this.#pending.keep(({ state }) => state !== 'gone');
  }

  #leave(flight: Flight): void {
    this.#queue.leave(flight);
    this.#waiting.delete(flight);
    this.#held.release(flight);
  }
}
