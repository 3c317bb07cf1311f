/**
 * Applies parked messages when their turn has come, each in a transaction of its own: after every
 * batch of the link, and once a second, so that a crash in between leaves nothing parked for good.
 */

import type { Log } from '../../runtime/log.ts';
import type { NatsConnection } from '../../runtime/nats.ts';
import { type Repeater, repeat } from '../../runtime/wake.ts';
import type { LinkDefinition } from '../link.ts';
import { sendReceipts } from '../transport/jetStream/receipts.ts';
import type { Receiver } from './receiver.ts';

const EVERY_MS = 1_000;

export interface UnparkerOptions {
  readonly log: Log;
  readonly nats: NatsConnection;
  /** The consuming service. */
  readonly service: string;
  readonly links: readonly { link: LinkDefinition; receiver: Receiver }[];
}

export class Unparker {
  readonly name = 'unparker';
  readonly #options: UnparkerOptions;
  #repeater: Repeater | undefined;

  constructor(options: UnparkerOptions) {
    this.#options = options;
    for (const { receiver } of options.links) receiver.onAdvanced = () => this.#repeater?.wake();
  }

  start(): void {
    const { links, log } = this.#options;
    if (links.length === 0) return;
    this.#repeater ??= repeat(
      EVERY_MS,
      (signal) => this.#unparkAll(signal),
      (error) => log.warn({ err: error }, 'looking for parked messages failed'),
    );
  }

  async stop(): Promise<void> {
    await this.#repeater?.stop();
  }

  async #unparkAll(signal: AbortSignal): Promise<void> {
    const { links, nats, service } = this.#options;
    for (const { link, receiver } of links) {
      while (!signal.aborted) {
        const receipt = await receiver.unparkOne();
        if (!receipt) break;
        if (nats.isClosed()) continue;
        const receipts = [receipt];
        sendReceipts(nats, link.producer, { link: link.id, consumer: service, receipts });
      }
    }
  }
}
