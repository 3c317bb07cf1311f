/**
 * A transport that misbehaves: carries messages of the outbox again, late or in another order,
 * through the kit's own dispatchers, beside the relay and without its knowledge.
 */

import type { LinkDefinition, Transport } from '../../../link/link.ts';
import type { OutboxRow } from '../../../link/outbox/openRows.ts';
import { GrpcDispatcher } from '../../../link/transport/grpc/send.ts';
import { Publisher } from '../../../link/transport/jetStream/publisher.ts';
import { JetStreamDispatcher } from '../../../link/transport/jetStream/send.ts';
import { connectNats } from '../../../runtime/nats.ts';
import type { Owner } from '../../harness/owner.ts';
import type { InProcessCompany } from './company.ts';

/** Above what a relay counts, so that JetStream does not drop the copy as one it has seen. */
const FIRST_RESEND = 1_000;

export class Courier {
  readonly #link: LinkDefinition;
  readonly #sync: ReadonlyMap<string, GrpcDispatcher>;
  readonly #async: JetStreamDispatcher;
  #resends = FIRST_RESEND;

  constructor(company: InProcessCompany, publisher: Publisher) {
    const { link, addresses, consumers } = company;
    this.#link = link;
    this.#async = new JetStreamDispatcher(publisher, link, link.producer);
    this.#sync = new Map(
      consumers.map((consumer) => [
        consumer,
        new GrpcDispatcher(link, consumer, link.producer, [addresses.get(consumer)!]),
      ]),
    );
  }

  /** One for the length of a test. */
  static async start(t: Owner, company: InProcessCompany): Promise<Courier> {
    const nats = await connectNats(company.nats.url, { name: 'courier' });
    const publisher = new Publisher(nats.connection);
    const courier = new Courier(company, publisher);
    t.after(async () => {
      for (const dispatcher of courier.#sync.values()) dispatcher.close();
      publisher.stop();
      await nats.close();
    });
    return courier;
  }

  /** Carries the rows in the order given, one after the other; what becomes of them is not asked. */
  async carry(
    rows: readonly OutboxRow[],
    how: { transport: Transport; consumer: string; epoch: bigint },
  ): Promise<void> {
    const to = [{ consumer: how.consumer, epoch: how.epoch }];
    const dispatcher = how.transport === 'sync' ? this.#sync.get(how.consumer)! : this.#async;
    const version = this.#link.starts.version;
    for (const row of rows) {
      const resends = this.#resends++;
      await dispatcher.dispatch([{ row, version, to, shadow: [], copied: [], resends }]);
    }
  }
}
