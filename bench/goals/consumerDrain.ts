/** Consumer with inbox ÷ consume, validate, acknowledge without a database, in the same process. */
import { type JetStreamClient, jetstream, jetstreamManager } from '@nats-io/jetstream';
import { decodeText } from '../../link/contracts/contract.ts';
import type { LinkKind } from '../../link/link.ts';
import { outboxRowOf } from '../../link/outbox/enqueue.ts';
import { ensureConsumer, removeConsumer } from '../../link/transport/jetStream/provision.ts';
import { Publisher } from '../../link/transport/jetStream/publisher.ts';
import { StreamConsumer } from '../../link/transport/jetStream/receive.ts';
import { JetStreamDispatcher } from '../../link/transport/jetStream/send.ts';
import { contractOf } from '../../link/versions.ts';
import { silentLog } from '../../runtime/log.ts';
import type { NatsConnection } from '../../runtime/nats.ts';
import { pause } from '../../runtime/wake.ts';
import { type BenchContext, type Benchmark, mustBe, scaled } from '../benchmark.ts';
import { benchLink, CONSUMER, LEG, newMessage } from '../events.ts';
import { handlerOf, TimedReceiver } from '../handlers.ts';
import { createHiringDatabase, type HiringDatabase } from '../hiring.ts';
import { alternate, perSecond } from '../measure.ts';
import { type Producer, startProducer } from '../producer.ts';
import { type Goal, type Ratio, ratioOf } from '../report.ts';

const EVENTS = 50_000;
const PUBLISH_BATCH = 1_000;
/** As many as the link's consumer prefetches. */
const PREFETCH = 2_000;
const LOOK_EVERY_MS = 2;

const NOTE =
  'ours: consumed, validated, inbox and effect committed in batches, acknowledged, receipts sent · ' +
  'against: nats.js consume, JSON Schema validation, one ack each, no database';

const GOALS: Record<LinkKind, Goal> = {
  formal: {
    name: 'consumer, set-based handler ÷ consume + validate + ack',
    unit: 'events/s',
    goal: 0.65,
    bound: 'at least',
    note: NOTE,
  },
  functional: {
    name: 'consumer, per-message handler ÷ consume + validate + ack',
    unit: 'events/s',
    goal: 0.35,
    bound: 'at least',
    note: `${NOTE}; the handler is called and writes for every message`,
  },
};

const link = benchLink('async');

/** Puts `count` messages into the stream as the relay would: all headers, all lanes. */
export async function fillStream(nats: NatsConnection, count: number): Promise<void> {
  const publisher = new Publisher(nats);
  const dispatcher = new JetStreamDispatcher(publisher, link, link.producer);
  const to = [{ consumer: CONSUMER, epoch: 1n }];
  for (let filled = 0; filled < count; filled += PUBLISH_BATCH) {
    const parcels = Array.from({ length: Math.min(PUBLISH_BATCH, count - filled) }, () => {
      const row = outboxRowOf(link, newMessage(), LEG);
      return { row, version: row.eventVersion, to, shadow: [], copied: [], resends: 0 };
    });
    const results = await dispatcher.dispatch(parcels);
    mustBe('messages stored', results.filter((r) => r.kind === 'sent').length, parcels.length);
  }
  publisher.stop();
}

/** A durable consumer that starts at the stream's first message. */
async function resetConsumer(nats: NatsConnection): Promise<void> {
  const manager = await jetstreamManager(nats);
  await removeConsumer(manager, link.id, CONSUMER);
  await ensureConsumer(manager, link.id, CONSUMER);
}

export async function consumeWithInbox(
  { servers }: BenchContext,
  sides: { producer: Producer; hiring: HiringDatabase; kind: LinkKind },
  count: number,
): Promise<number> {
  const { producer, hiring, kind } = sides;
  await resetConsumer(producer.nats);
  await hiring.reset();
  await servers.checkpoint();
  const { nats } = producer;
  const own = { log: silentLog, link: benchLink('async', kind) };
  const receiver = new TimedReceiver({ ...own, sql: hiring.sql, handler: handlerOf(kind) });
  const consumer = new StreamConsumer({ ...own, nats, service: CONSUMER, receiver });
  const rate = await perSecond(count, async () => {
    consumer.start();
    while (receiver.settled < count) await pause(LOOK_EVERY_MS);
    await nats.flush();
  });
  await consumer.stop();
  const { inbox, effects } = await hiring.count(kind);
  mustBe('messages in the inbox', inbox, count);
  mustBe('effects', effects, count);
  return rate;
}

export async function consumeBare(
  { servers }: BenchContext,
  { nats }: Producer,
  count: number,
): Promise<number> {
  await resetConsumer(nats);
  await servers.checkpoint();
  return perSecond(count, () => consumeAndAck(nats, jetstream(nats), count));
}

async function consumeAndAck(
  nats: NatsConnection,
  client: JetStreamClient,
  count: number,
): Promise<void> {
  const contract = contractOf(link, 'ManagerCreated', link.starts.version)!;
  const consumer = await client.consumers.get(link.id, CONSUMER);
  const messages = await consumer.consume({ max_messages: PREFETCH });
  let left = count;
  for await (const message of messages) {
    const decoded = decodeText(contract, message.string());
    if (!decoded.ok) throw new Error(`invalid: ${JSON.stringify(decoded.problems)}`);
    message.ack();
    left -= 1;
    if (left === 0) break;
  }
  await nats.flush();
}

async function runKind(context: BenchContext, kind: LinkKind): Promise<Ratio> {
  const { servers, rounds } = context;
  const count = scaled(EVENTS, context);
  const producer = await startProducer(servers, link);
  const hiring = await createHiringDatabase(servers);
  const measured = await fillStream(producer.nats, count)
    .then(() =>
      alternate(
        {
          ours: () => consumeWithInbox(context, { producer, hiring, kind }, count),
          against: () => consumeBare(context, producer, count),
        },
        rounds,
      ),
    )
    .finally(async () => {
      await hiring.stop();
      await producer.stop();
    });
  return ratioOf(GOALS[kind], measured);
}

export const consumerDrain: Benchmark = {
  name: 'consumer',
  run: async (context) => [await runKind(context, 'formal'), await runKind(context, 'functional')],
};
