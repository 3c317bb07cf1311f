/**
 * Consumes a link's stream: binds to the durable consumer that was provisioned, gathers messages
 * into batches, applies each batch as one transaction, then acknowledges and sends receipts.
 *
 * Two batches of one lane never run at once, so a key's messages are applied in the order of the
 * stream. Messages that wait long are reported as in progress; otherwise the server would deliver
 * them again.
 */

import {
  type ConsumerMessages,
  type JetStreamClient,
  type JsMsg,
  jetstream,
} from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { messageOf } from '../../../runtime/errors.ts';
import type { Log } from '../../../runtime/log.ts';
import { pause, Wake } from '../../../runtime/wake.ts';
import { REBIND_MS } from '../../backoff.ts';
import type { Arrival } from '../../inbox/delivery.ts';
import type { Receiver } from '../../inbox/receiver.ts';
import { LANES, type LinkDefinition } from '../../link.ts';
import { readArrival } from './arrival.ts';
import { acknowledge } from './commands.ts';
import { ACK_WAIT_MS } from './provision.ts';
import { sendReceipts } from './receipts.ts';

/**
 * Messages applied in one transaction (500 measured 50 times as fast as one each; more gain
 * little).
 */
const BATCH = 500;
/** Batches at once, each for its own lanes: the second hides the round trips of the first. */
const WORKERS = 2;
/** Messages prefetched for the workers. */
const PREFETCH = 2_000;
/**
 * A node that dies takes the requests for messages with it, and nobody says so. After two heartbeats
 * without a sign of life the client asks whether the consumer is still there, and while it has no leader,
 * asks again about EXPIRES_MS after it got no answer: with its own 30 s, messages would wait so long.
 */
const HEARTBEAT_MS = 1_000;
const EXPIRES_MS = 3_000;
const ANSWER_MS = 2_000;
/** Two chances within the consumer's ack wait, and one more for a busy event loop. */
const WORKING_EVERY_MS = ACK_WAIT_MS / 3;

export interface StreamConsumerOptions {
  readonly nats: NatsConnection;
  readonly log: Log;
  readonly link: LinkDefinition;
  /** This service: the name of the durable consumer. */
  readonly service: string;
  readonly receiver: Receiver;
}

/** Read only when its batch is applied: what waits in a queue should be little. */
interface Received {
  readonly takenAtMs: number;
  readonly message: JsMsg;
}

class Worker {
  readonly wake = new Wake();
  queue: Received[] = [];
  current: readonly Received[] = [];
}

export class StreamConsumer {
  readonly #options: StreamConsumerOptions;
  readonly #jetStream: JetStreamClient;
  readonly #workers = Array.from({ length: WORKERS }, () => new Worker());
  readonly #room = new Wake();
  #messages: ConsumerMessages | undefined;
  #stopping = new AbortController();
  #running: Promise<unknown> | undefined;
  /** Whether the durable consumer was found and messages are taken. */
  isBound = false;
  /** Why it listens and is not bound; empty otherwise. */
  problem = '';

  constructor(options: StreamConsumerOptions) {
    this.#options = options;
    this.#jetStream = jetstream(options.nats, { timeout: ANSWER_MS });
  }

  start(): void {
    if (this.#running) return;
    this.#stopping = new AbortController();
    const working = setInterval(() => this.#reportWorking(), WORKING_EVERY_MS);
    this.#running = Promise.all([
      this.#readLoop(),
      ...this.#workers.map((worker) => this.#workLoop(worker)),
    ]).finally(() => clearInterval(working));
  }

  /**
   * Stops taking messages, finishes the batches in progress, and leaves the rest to be redelivered.
   */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#messages?.stop();
    for (const worker of this.#workers) worker.wake.wake();
    this.#room.wake();
    await this.#running;
    this.#running = undefined;
    for (const worker of this.#workers) {
      for (const { message } of worker.queue) message.nak();
      worker.queue = [];
    }
  }

  async #readLoop(): Promise<void> {
    const { link, service, log } = this.#options;
    while (!this.#stopping.signal.aborted) {
      try {
        const consumer = await this.#jetStream.consumers.get(link.id, service);
        this.#messages = await consumer.consume({
          max_messages: PREFETCH,
          idle_heartbeat: HEARTBEAT_MS,
          expires: EXPIRES_MS,
          abort_on_missing_resource: true,
        });
        this.isBound = true;
        this.problem = '';
        if (this.#stopping.signal.aborted) this.#messages.stop();
        for await (const message of this.#messages) await this.#take(message);
      } catch (error) {
        this.problem = messageOf(error);
        log.debug({ link: link.id, reason: this.problem }, 'not bound to the stream');
      }
      this.isBound = false;
      await new Wake().wait(REBIND_MS, this.#stopping.signal);
    }
  }

  async #take(message: JsMsg): Promise<void> {
    const lane = Number(message.subject.split('.')[1]);
    const worker = this.#workers[(Number.isInteger(lane) ? lane % LANES : 0) % WORKERS]!;
    worker.queue.push({ takenAtMs: performance.now(), message });
    worker.wake.wake();
    while (worker.queue.length >= PREFETCH && !this.#stopping.signal.aborted)
      await this.#room.wait(1_000, this.#stopping.signal);
  }

  async #workLoop(worker: Worker): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      if (worker.queue.length === 0) {
        await worker.wake.wait(1_000, this.#stopping.signal);
        continue;
      }
      const { room, waitMs } = this.#options.receiver.breaker;
      if (room === 0) {
        await pause(waitMs, this.#stopping.signal);
        continue;
      }
      worker.current = worker.queue.splice(0, Math.min(BATCH, room));
      this.#room.wake();
      await this.#apply(worker.current);
      worker.current = [];
    }
  }

  async #apply(batch: readonly Received[]): Promise<void> {
    const { nats, link, service, receiver, log } = this.#options;
    try {
      const mine: JsMsg[] = [];
      const arrivals: Arrival[] = [];
      for (const { message } of batch) {
        const addressed = readArrival(message, link.id, service);
        if (addressed.to === 'others') message.ack();
        else arrivals[mine.push(message) - 1] = addressed.arrival;
      }
      const receipts = await receiver.receive(arrivals);
      const isAgain = (_: JsMsg, i: number) => receipts[i]!.outcome === 'retry';
      for (const [i, message] of mine.entries())
        if (isAgain(message, i)) message.nak(Math.max(1, receipts[i]!.retryAfterMs ?? 1));
      acknowledge(
        nats,
        mine.filter((message, i) => !isAgain(message, i)),
      );
      const real = receipts.filter((_receipt, i) => !arrivals[i]!.isShadow);
      if (real.length > 0)
        sendReceipts(nats, link.producer, { link: link.id, consumer: service, receipts: real });
    } catch (error) {
      // The connection is closed: everything stays unacknowledged and is redelivered.
      log.warn({ err: error, link: link.id }, 'a batch could not be acknowledged');
    }
  }

  /** Only for messages that wait long; in healthy traffic there are none. */
  #reportWorking(): void {
    const takenBeforeMs = performance.now() - WORKING_EVERY_MS;
    for (const worker of this.#workers)
      for (const { message, takenAtMs } of [...worker.current, ...worker.queue])
        if (takenAtMs <= takenBeforeMs) message.working();
  }
}
