/**
 * Creates the streams of async legs at the start, and again when JetStream has lost them; nobody else
 * makes one but a step that prepares a move. The relays resend what a lost stream held, because only receipts close their rows.
 */
import { ensureConsumer, ensureStream } from '../link/transport/jetStream/provision.ts';
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
      () => this.#provisionAll(),
      (error) => log.warn({ err: error }, 'streams could not be provisioned'),
    );
  }

  async stop(): Promise<void> {
    await this.#repeater?.stop();
  }

  async #provisionAll(): Promise<void> {
    const { participants, streams, isActing } = this.#options;
    if (!isActing()) return;
    // Read again with the link to itself: a step may just have stopped a consumer and removed its stream.
    const { links } = await participants.topology();
    // A link whose producer is away must not keep those of others without a stream.
    const ended = await Promise.allSettled(
      [...links.keys()].map((id) =>
        streams.alone(id, async () => {
          const link = (await participants.topology()).links.get(id);
          if (link && isActing()) await this.#provision(link);
        }),
      ),
    );
    const failed = ended.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []));
    if (failed.length > 0) throw failed[0];
  }

  async #provision(link: DescribedLink): Promise<void> {
    const { streams } = this.#options;
    const { id, consumers } = link.producer;
    const needing: string[] = [];
    for (const consumer of consumers)
      if (await this.#needsStream(link, consumer)) needing.push(consumer);
    if (needing.length === 0) return;
    const manager = await streams.manager();
    await ensureStream(manager, id, demandOf(link.producer));
    for (const consumer of needing) await ensureConsumer(manager, id, consumer);
    await keepRoom(manager, id);
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
