/**
 * The relay of a service: one agent in each of its processes. It shares the lanes of every link the
 * service produces with the other processes, and runs one loop per link.
 *
 * It wakes after a commit in the same process, on a hint from another process over core NATS, and
 * otherwise polls, less and less often while nothing happens. Hints may be lost; nothing depends on
 * one.
 */
import type { Log } from '../../runtime/log.ts';
import type { NatsConnection, StandingSubscription } from '../../runtime/nats.ts';
import type { Database } from '../../runtime/postgres.ts';
import { pause, Wake } from '../../runtime/wake.ts';
import { FAILED_PASS_MS } from '../backoff.ts';
import { LinkError } from '../errors.ts';
import { onHint, sendHint } from '../hints.ts';
import type { LinkDefinition, Transport } from '../link.ts';
import type { Enqueued } from '../outbox/message.ts';
import type { Dispatcher } from '../transport/dispatcher.ts';
import { onReceipts } from '../transport/jetStream/receipts.ts';
import { LaneLeases, RENEW_EVERY_MS } from './lanes.ts';
import { type AskReceipts, LinkRelay, type LookAtStream, type RaiseFence } from './linkRelay.ts';
import { prepareRoutes, readRevisions } from './routes.ts';
import type { BlockedLeg } from './window.ts';

/** How often to look for route changes that another process made, when its hint was lost. */
const ROUTE_POLL_MS = 500;
/** The same while another process has yet to adopt a route, of which it gives no hint. */
const ADOPTION_POLL_MS = 50;
/** How often to look for lanes of a process that died; bounds how long they stand still. */
const LOOK_EVERY_MS = 200;
/** After a sweep that failed, for example while the database is down. */
const FAILED_SWEEP_MS = 1_000;
/** On stop: time for results on their way to close their rows before the lanes are released. */
const STOP_GRACE_MS = 2_000;

export interface RelayOptions {
  readonly sql: Database;
  /** For the hot statements: a pool whose sessions are `QUEUE_SESSION`. */
  readonly queueSql: Database;
  /** One connection for the leases alone, which lasts as long as the process. */
  readonly leaseSql: Database;
  readonly nats: NatsConnection;
  readonly log: Log;
  readonly service: string;
  readonly instance: string;
  /** The links this service produces. */
  readonly links: readonly LinkDefinition[];
  /** Whether closed messages of functional links are kept for a while. */
  readonly keepsHistory: boolean;
  /** What open messages may take in the memory of this process; the lanes of all legs share it evenly. */
  readonly windowBytes: number;
  readonly asyncDispatcher: (link: LinkDefinition) => Dispatcher;
  readonly syncDispatcher: (link: LinkDefinition, consumer: string) => Dispatcher;
  readonly ask: (link: LinkDefinition) => AskReceipts;
  readonly look: (link: LinkDefinition) => LookAtStream;
  readonly raiseFence: (link: LinkDefinition) => RaiseFence;
}

/** How a message stands whose lane another process owns. */
interface Standing {
  readonly isOpen: boolean;
  readonly isGivenUp: boolean;
}

export class Relay {
  readonly name = 'relay';
  readonly #options: RelayOptions;
  readonly #leases: LaneLeases;
  readonly #links = new Map<string, { relay: LinkRelay; wake: Wake }>();
  readonly #stopping = new AbortController();
  /** Wakes whoever follows the routes. */
  readonly #following = new Wake();
  readonly #subscriptions: StandingSubscription[] = [];
  #loops: Promise<void>[] = [];
  #revisions = new Map<string, bigint>();
  #hadName = true;

  constructor(options: RelayOptions) {
    this.#options = options;
    const ids = options.links.map((link) => link.id);
    this.#leases = new LaneLeases(options.leaseSql, options.instance, ids);
    for (const link of options.links) this.#addLink(link);
  }

  #addLink(link: LinkDefinition): void {
    const { sql, queueSql, log, instance, keepsHistory, links } = this.#options;
    const legs = links.flatMap(({ consumers }) => Object.keys(consumers));
    const { asyncDispatcher, syncDispatcher, ask, look, raiseFence } = this.#options;
    const wake = new Wake();
    const consumers = Object.keys(link.consumers);
    const relay = new LinkRelay({
      sql,
      queueSql,
      log,
      link,
      instance,
      keepsHistory,
      windowBytes: this.#options.windowBytes / legs.length,
      owned: this.#leases.owned.get(link.id)!,
      async: asyncDispatcher(link),
      sync: Object.fromEntries(consumers.map((name) => [name, syncDispatcher(link, name)])),
      ask: ask(link),
      look: look(link),
      raiseFence: raiseFence(link),
      wake: () => wake.wake(),
      isLeaseValid: () => !this.#stopping.signal.aborted && this.#leases.isLeaseValid(),
      onUnreadable: () => this.#leases.decline(link.id),
    });
    this.#links.set(link.id, { relay, wake });
  }

  async start(): Promise<void> {
    const { sql, nats, service, links, log } = this.#options;
    if (links.length === 0) return;
    await prepareRoutes(sql, links);
    await this.#leases.prepare();
    await this.#refreshLeases();
    for (const { relay } of this.#links.values())
      for (const leg of relay.legs) await leg.gate.readRoutes();
    // Stopped while it was starting.
    if (this.#stopping.signal.aborted) return this.#leases.leave();
    const noHints = (problem: unknown) =>
      log.warn({ err: problem }, 'no hints from other processes');
    this.#subscriptions.push(
      onReceipts(
        nats,
        service,
        (batch) => this.#links.get(batch.link)?.relay.receive(batch.consumer, batch.receipts),
        (problem) => log.warn({ err: problem }, 'unreadable receipts, or none are pushed'),
      ),
      onHint(nats, 'wake', service, () => this.#readAll(), noHints),
      onHint(nats, 'follow', service, () => this.#following.wake(), noHints),
    );
    this.#loops = [
      this.#every(
        () => RENEW_EVERY_MS,
        () => this.#refreshLeases(),
      ),
      this.#every(
        () => LOOK_EVERY_MS,
        () => this.#takeOrphans(),
      ),
      this.#every(
        () => (this.#gatesWaiting().length > 0 ? ADOPTION_POLL_MS : ROUTE_POLL_MS),
        () => this.#readRevisions(),
        this.#following,
      ),
      ...[...this.#links.values()].flatMap((link) => [
        this.#linkLoop(link),
        this.#sweepLoop(link.relay),
      ]),
    ];
  }

  /** Stops dispatching, waits briefly for results on their way, and releases the lanes. */
  async stop(): Promise<void> {
    if (this.#stopping.signal.aborted) return;
    this.#stopping.abort();
    this.#readAll();
    await Promise.all(this.#loops);
    if (this.#loops.length === 0) return;
    const givenUp = new AbortController();
    const closed = [...this.#links.values()].map(({ relay }) =>
      relay.settleInFlight(givenUp.signal),
    );
    await Promise.race([Promise.all(closed), pause(STOP_GRACE_MS, givenUp.signal)]);
    givenUp.abort();
    for (const subscription of this.#subscriptions) subscription.unsubscribe();
    await this.#leases.leave();
  }

  /** Another process committed rows whose lanes are owned here. */
  #readAll(): void {
    for (const { relay } of this.#links.values()) relay.wantRead();
  }

  // ---- for the use cases ----

  /** Messages were committed: dispatch them soon, here or where their lanes are owned. */
  committed(messages: readonly Pick<Enqueued, 'link' | 'lane'>[]): void {
    let isElsewhere = false;
    for (const { link, lane } of messages) {
      this.#links.get(link)?.relay.wantRead();
      isElsewhere ||= !this.#leases.owned.get(link)?.has(lane);
    }
    if (isElsewhere) sendHint(this.#options.nats, 'wake', this.#options.service);
  }

  /**
   * The transport of the message's lane now: only the receipt of a `sync` message is worth waiting
   * for.
   */
  transportOf(message: Enqueued): Transport | undefined {
    return this.#legOf(message)?.gate.transportOf(message.lane);
  }

  /**
   * Resolves to `true` when the effect is committed, and to `false` on timeout or when the consumer
   * gave up; never rejects.
   */
  async waitForReceipt(message: Enqueued, withinMs: number): Promise<boolean> {
    const leg = this.#legOf(message);
    if (leg?.gate.owns(message.lane)) return leg.answers.wait(message.eventId, withinMs);
    // The message is committed: a request must not fail because its state cannot be read.
    return this.#pollClosed(message, withinMs).catch(() => false);
  }

  /** Another process owns the lane: a missing row means that it has its receipt. */
  async #pollClosed(message: Enqueued, withinMs: number): Promise<boolean> {
    const untilMs = performance.now() + withinMs;
    for (let waitMs = 5; performance.now() < untilMs; waitMs = Math.min(waitMs * 2, 50)) {
      const [row] = await this.#options.sql<Standing[]>`
        select exists (select from relink.outbox where leg = ${message.leg}
            and seq = ${message.seq} and event_id = ${message.eventId}) as "isOpen",
          exists (select from relink.given_up where leg = ${message.leg}
            and event_id = ${message.eventId}) as "isGivenUp"`;
      if (!row!.isOpen) return !row!.isGivenUp;
      await new Promise((resolve) => setTimeout(resolve, waitMs));
    }
    return false;
  }

  #legOf(message: Enqueued) {
    const legs = this.#links.get(message.link)?.relay.legs;
    return legs?.find((leg) => leg.window.leg === message.leg);
  }

  /** This process's view of a leg, for the participant API. */
  progressOf(link: string, consumer: string) {
    const leg = this.#links.get(link)?.relay.legs.find((one) => one.consumer === consumer);
    if (!leg) throw new LinkError('UNKNOWN_CONSUMER', `${link} has no consumer ${consumer} here`);
    const { progress, gate, lastRow } = leg;
    const blocked = leg.window.blocked();
    return { progress, longestHoldMs: gate.longestHoldMs, lastRow, blocked };
  }

  /** What keeps messages in the lanes of this process, leg by leg. */
  blockedLegs(): Map<string, BlockedLeg> {
    const legs = [...this.#links.values()].flatMap(({ relay }) => relay.legs);
    return new Map(legs.map((leg) => [leg.window.leg, leg.window.blocked()]));
  }

  /** This process changed routes: all processes of the service read them at once. */
  async routesChanged(): Promise<void> {
    sendHint(this.#options.nats, 'follow', this.#options.service);
    await this.#readRevisions();
  }

  // ---- loops ----

  async #linkLoop({ relay, wake }: { relay: LinkRelay; wake: Wake }): Promise<void> {
    const signal = this.#stopping.signal;
    while (!signal.aborted) {
      try {
        // A process that was frozen may have lost its lanes: it must renew before it dispatches.
        if (!this.#leases.isLeaseValid()) await this.#refreshLeases();
        const waitMs = await relay.pump();
        await wake.wait(waitMs, signal);
      } catch (error) {
        this.#options.log.warn({ err: error }, 'relay pass failed');
        await wake.wait(FAILED_PASS_MS, signal);
      }
    }
  }

  async #sweepLoop(relay: LinkRelay): Promise<void> {
    const pause = new Wake();
    while (!this.#stopping.signal.aborted) {
      const waitMs = await relay.sweep().catch((error) => {
        this.#options.log.warn({ err: error }, 'looking for rows that committed late failed');
        return FAILED_SWEEP_MS;
      });
      await pause.wait(waitMs, this.#stopping.signal);
    }
  }

  async #every(everyMs: () => number, run: () => Promise<void>, pause = new Wake()): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      try {
        await run();
      } catch (error) {
        this.#options.log.warn({ err: error }, 'relay upkeep failed');
      }
      await pause.wait(everyMs(), this.#stopping.signal);
    }
  }

  #refreshing: Promise<void> | undefined;

  /** One refresh at a time, whoever asks. */
  #refreshLeases(): Promise<void> {
    this.#refreshing ??= this.#refreshLeasesOnce().finally(() => {
      this.#refreshing = undefined;
    });
    return this.#refreshing;
  }

  /** What follows from other lanes is the links' own business: nothing may keep leases waiting. */
  async #refreshLeasesOnce(): Promise<void> {
    await this.#leases.refresh();
    for (const { wake } of this.#links.values()) wake.wake();
    const { hasName } = this.#leases;
    if (this.#hadName && !hasName) this.#options.log.error({}, this.#nameTaken());
    this.#hadName = hasName;
  }

  async #takeOrphans(): Promise<void> {
    if (await this.#leases.hasOrphans()) await this.#refreshLeases();
  }

  #nameTaken(): string {
    return `another process runs as ${this.#options.instance} and relays; this one does not: give each its own RELINK_INSTANCE, or end one of them`;
  }

  /** @throws Error with the reason while another live process has the name of this one */
  requireName(): void {
    if (!this.#leases.hasName) throw new Error(this.#nameTaken());
  }

  async #readRevisions(): Promise<void> {
    const { sql, links } = this.#options;
    const revisions = await readRevisions(
      sql,
      links.map((link) => link.id),
    );
    for (const [id, revision] of revisions) {
      if (this.#revisions.get(id) === revision) continue;
      const { relay, wake } = this.#links.get(id)!;
      for (const leg of relay.legs) leg.gate.invalidate();
      wake.wake();
    }
    this.#revisions = revisions;
    for (const gate of this.#gatesWaiting()) await gate.refresh();
  }

  /** Those of legs of which another process has yet to adopt a route. */
  #gatesWaiting() {
    const legs = [...this.#links.values()].flatMap(({ relay }) => relay.legs);
    return legs.map(({ gate }) => gate).filter((gate) => gate.isWaitingForOthers);
  }
}
