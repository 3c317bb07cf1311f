/**
 * Creates the streams of async legs at the start, and again when JetStream has lost them; nobody else
 * makes one but a step that prepares a move. The relays resend what a lost stream held, because only receipts close their rows.
 */
import type { JetStreamManager } from '@nats-io/jetstream';
import {
  ensureConsumer,
  ensureStream,
  readConsumer,
  readStream,
} from '../link/transport/jetStream/provision.ts';
import type { DescribedLink, Participants } from '../migration/participants.ts';
import { REPEATABLE, transportFromWire } from '../migration/participants.ts';
import type { Streams } from '../migration/plan.ts';
import { demandOf } from '../migration/streams/differences.ts';
import { keepRoom } from '../migration/streams/room.ts';
import type { Agent } from '../runtime/lifecycle.ts';
import type { Log } from '../runtime/log.ts';
import { type Repeater, repeat } from '../runtime/wake.ts';

/** How long a lost stream may stay missing. */
const EVERY_MS = 2_000;

export interface ProvisionerOptions {
  readonly participants: Participants;
  readonly streams: Streams;
  readonly log: Log;
  /** Only the operator with the active engine provisions. */
  readonly isActing: () => boolean;
}

export class Provisioner implements Agent {
  readonly name = 'stream provisioner';
  readonly #options: ProvisionerOptions;
  #repeater: Repeater | undefined;

  constructor(options: ProvisionerOptions) {
    this.#options = options;
  }

  start(): void {
    const { log } = this.#options;
    this.#repeater ??= repeat(
      EVERY_MS,
      () => this.provision(),
      (error) => log.warn({ err: error }, 'streams could not be provisioned'),
    );
  }

  async stop(): Promise<void> {
    await this.#repeater?.stop();
  }

  /** Once through all links. Safe to repeat. */
  async provision(): Promise<void> {
    const { participants, isActing } = this.#options;
    if (!isActing()) return;
    const { links } = await participants.topology();
    // A link whose producer is away must not keep those of others without a stream.
    const ended = await Promise.allSettled([...links.values()].map((link) => this.#keep(link)));
    const failed = ended.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []));
    if (failed.length > 0) throw failed[0];
  }

  async #keep(link: DescribedLink): Promise<void> {
    const { participants, streams, isActing } = this.#options;
    const { id } = link.producer;
    const needing = await this.#needing(link);
    if (needing.length === 0) return;
    const manager = await streams.manager();
    if (await isThere(manager, id, needing)) return keepRoom(manager, id);
    // Read again with the link to itself: a step may just have stopped a consumer and removed its stream.
    await streams.alone(id, async () => {
      const now = await participants.link(id);
      if (now && isActing()) await this.#make(now, manager);
    });
  }

  async #make(link: DescribedLink, manager: JetStreamManager): Promise<void> {
    const { id } = link.producer;
    const needing = await this.#needing(link);
    if (needing.length === 0) return;
    await ensureStream(manager, id, demandOf(link.producer));
    for (const consumer of needing) await ensureConsumer(manager, id, consumer);
  }

  async #needing(link: DescribedLink): Promise<string[]> {
    const needing: string[] = [];
    for (const consumer of link.producer.consumers)
      if (await this.#needsStream(link, consumer)) needing.push(consumer);
    return needing;
  }

  async #needsStream(link: DescribedLink, consumer: string): Promise<boolean> {
    if (link.consumers.get(consumer)?.listening) return true;
    const { id, producer } = link.producer;
    const request = { link: id, consumer };
    const { lanes } = await this.#options.participants.of(producer).getRoutes(request, REPEATABLE);
    return lanes.some(
      ({ transport, adoptedTransport }) =>
        transportFromWire(transport) === 'async' || transportFromWire(adoptedTransport) === 'async',
    );
  }
}

/** Whether the stream is there, and the durable consumer of each service. */
async function isThere(manager: JetStreamManager, link: string, services: readonly string[]) {
  if (!(await readStream(manager, link))) return false;
  for (const service of services) if (!(await readConsumer(manager, link, service))) return false;
  return true;
}
