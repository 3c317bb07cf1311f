/** Relay drain ÷ raw JetStream publish with message ids, in the same process. */
import { randomUUIDv7 } from 'node:crypto';
import { Relay } from '../../link/relay/relay.ts';
import type { Dispatcher } from '../../link/transport/dispatcher.ts';
import { Publisher } from '../../link/transport/jetStream/publisher.ts';
import { sendReceipts } from '../../link/transport/jetStream/receipts.ts';
import { JetStreamDispatcher } from '../../link/transport/jetStream/send.ts';
import type { Parcel } from '../../link/wire/parcel.ts';
import type { Receipt } from '../../link/wire/receipt.ts';
import { silentLog } from '../../runtime/log.ts';
import type { NatsConnection } from '../../runtime/nats.ts';
import { type BenchContext, type Benchmark, mustBe, scaled } from '../benchmark.ts';
import { CpuMeter, ownCpu } from '../cpu.ts';
import { benchLink, CONSUMER, fillOutbox } from '../events.ts';
import { alternate, perSecond } from '../measure.ts';
import { type Producer, RAW_STREAM, startProducer, untilClosed } from '../producer.ts';
import { newEvents, publishRaw } from '../rawPublish.ts';
import { type Goal, ratioOf, withCpu } from '../report.ts';

const EVENTS = 50_000;
/** Receipts per message, as the consumer's batches of 500 send them. */
const RECEIPT_BATCH = 500;

const GOAL: Goal = {
  name: 'relay drain ÷ raw publish',
  unit: 'events/s',
  goal: 0.7,
  bound: 'at least',
  note:
    'ours: full outbox read, published with message ids, receipts taken, rows removed; a stand-in ' +
    'in the same process sends the receipts over NATS · against: the same publisher and batches',
};

/** Microseconds an event: the relay's 16, PostgreSQL, and the broker with its 13 for a publish. */
const CPU_GOAL = 30;

const link = benchLink('async');

/**
 * Publishes as the real dispatcher does, and sends an `applied` receipt for each message in the
 * consumer's place. The receipts go through NATS, and both ends of that run in this process.
 */
class SelfReceiptingDispatcher implements Dispatcher {
  readonly #nats: NatsConnection;
  readonly #inner: Dispatcher;

  constructor(nats: NatsConnection, publisher: Publisher) {
    this.#nats = nats;
    this.#inner = new JetStreamDispatcher(publisher, link, link.producer);
  }

  async dispatch(parcels: readonly Parcel[]) {
    const results = await this.#inner.dispatch(parcels);
    const stored = parcels.filter((_parcel, i) => results[i]!.kind === 'sent');
    for (let i = 0; i < stored.length; i += RECEIPT_BATCH)
      this.#sendReceipts(stored.slice(i, i + RECEIPT_BATCH));
    return results;
  }

  #sendReceipts(parcels: readonly Parcel[]): void {
    const receipts = parcels.map(
      ({ row, to }): Receipt => ({
        eventId: row.eventId,
        outcome: 'applied',
        epoch: to[0]!.epoch,
      }),
    );
    sendReceipts(this.#nats, link.producer, { link: link.id, consumer: CONSUMER, receipts });
  }
}

function createRelay({ sql, queueSql, leaseSql, nats }: Producer, publisher: Publisher): Relay {
  return new Relay({
    sql,
    queueSql,
    leaseSql,
    nats,
    log: silentLog,
    service: link.producer,
    instance: randomUUIDv7(),
    links: [link],
    keepsHistory: true,
    windowBytes: 2 ** 26,
    asyncDispatcher: () => new SelfReceiptingDispatcher(nats, publisher),
    syncDispatcher: () => ({ dispatch: () => Promise.reject(new Error('nothing is sync here')) }),
    raiseFence: () => () => Promise.resolve(),
    ask: () => () => Promise.reject(new Error('nobody to ask')),
    look: () => () => Promise.reject(new Error('nobody looks')),
  });
}

/** Fills the outbox, drains it, and returns events per second. */
export async function drainByRelay(
  { servers }: BenchContext,
  producer: Producer,
  count: number,
  meter: CpuMeter = new CpuMeter({}),
): Promise<number> {
  await producer.resetStreams();
  await producer.resetTables();
  await fillOutbox(producer.sql, link, count);
  await servers.checkpoint();
  const publisher = new Publisher(producer.nats);
  const relay = createRelay(producer, publisher);
  await relay.start();
  const drain = () => perSecond(count, () => untilClosed(producer.sql, count));
  const rate = await meter.measure(count, drain);
  await relay.stop();
  publisher.stop();
  const [{ open } = { open: -1 }] = await producer.sql<{ open: number }[]>`
    select count(*)::int as open from relink.outbox`;
  mustBe('rows left open by the relay', open, 0);
  return rate;
}

/** Publishes as many events raw, and returns events per second. */
export async function drainRaw(
  { servers }: BenchContext,
  producer: Producer,
  count: number,
): Promise<number> {
  await producer.resetStreams();
  const events = newEvents(count);
  await servers.checkpoint();
  return perSecond(count, () => publishRaw(producer.nats, RAW_STREAM, events));
}

export const relayDrain: Benchmark = {
  name: 'relay',
  run: async (context) => {
    const count = scaled(EVENTS, context);
    const producer = await startProducer(context.servers, link);
    const { postgres, nats } = context.servers.cpu;
    const meter = new CpuMeter({ relay: ownCpu, PostgreSQL: postgres, 'nats-server': nats });
    try {
      const rounds = await alternate(
        {
          ours: () => drainByRelay(context, producer, count, meter),
          against: () => drainRaw(context, producer, count),
        },
        context.rounds,
      );
      return [withCpu(ratioOf(GOAL, rounds), meter.medians(), CPU_GOAL)];
    } finally {
      await producer.stop();
    }
  },
};
