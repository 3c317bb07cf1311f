/** The whole chain (outbox, relay, JetStream, consumer, inbox) ÷ raw publish, all on this machine. */
import type { LinkKind } from '../../link/link.ts';
import { type BenchContext, type Benchmark, mustBe, scaled } from '../benchmark.ts';
import { CpuMeter, cpuOf, ownCpu } from '../cpu.ts';
import { benchLink, fillOutbox } from '../events.ts';
import { createHiringDatabase, type HiringDatabase, startHiring } from '../hiring.ts';
import { alternate, perSecond } from '../measure.ts';
import { type Producer, startProducer, untilClosed } from '../producer.ts';
import { type Goal, type Ratio, ratioOf, withCpu } from '../report.ts';
import { drainRaw } from './relayDrain.ts';

const EVENTS = 50_000;

const NOTE =
  'ours: full outbox drained until every row is closed by the receipt of a committed effect, ' +
  'relay here, consumer in a process of its own · against: raw publish with message ids';

const GOALS: Record<LinkKind, Goal> = {
  formal: {
    name: 'whole chain, set-based handler ÷ raw publish',
    unit: 'events/s',
    goal: 0.4,
    bound: 'at least',
    note: NOTE,
  },
  functional: {
    name: 'whole chain, per-message handler ÷ raw publish',
    unit: 'events/s',
    goal: 0.25,
    bound: 'at least',
    note: `${NOTE}; the handler is called and writes for every message`,
  },
};

/** Microseconds an event, all processes; the prototype took 60. */
const CPU_GOAL: Record<LinkKind, number> = { formal: 75, functional: 130 };

interface Sides {
  readonly producer: Producer;
  readonly hiring: HiringDatabase;
  readonly hiringAddress: string;
  readonly kind: LinkKind;
  readonly meter: CpuMeter;
}

/**
 * Fills the outbox, starts the relay, and returns events per second until the last row is closed.
 */
export async function drainChain(
  { servers }: BenchContext,
  { producer, hiring, hiringAddress, kind, meter }: Sides,
  count: number,
): Promise<number> {
  await producer.resetStreams();
  await producer.resetTables();
  await hiring.reset();
  await fillOutbox(producer.sql, benchLink('async', kind), count);
  await servers.checkpoint();
  const relaying = await producer.startKit(hiringAddress);
  const drain = () => perSecond(count, () => untilClosed(producer.sql, count));
  const rate = await meter.measure(count, drain);
  await relaying.stop();
  const { inbox, effects } = await hiring.count(kind);
  mustBe('messages in the inbox', inbox, count);
  mustBe('effects', effects, count);
  return rate;
}

async function runKind(context: BenchContext, kind: LinkKind): Promise<Ratio> {
  const { servers, rounds } = context;
  const count = scaled(EVENTS, context);
  const producer = await startProducer(servers, benchLink('async', kind));
  const hiring = await createHiringDatabase(servers);
  const remote = await startHiring(servers, hiring, kind);
  const { postgres, nats } = servers.cpu;
  const consumer = await cpuOf(remote.pid);
  const meter = new CpuMeter({
    relay: ownCpu,
    consumer,
    PostgreSQL: postgres,
    'nats-server': nats,
  });
  const sides = { producer, hiring, hiringAddress: remote.ready.address, kind, meter };
  const measured = await alternate(
    {
      ours: async () => {
        const rate = await drainChain(context, sides, count);
        await remote.take();
        return rate;
      },
      against: () => drainRaw(context, producer, count),
    },
    rounds,
  ).finally(async () => {
    await remote.stop();
    await hiring.stop();
    await producer.stop();
  });
  return withCpu(ratioOf(GOALS[kind], measured), meter.medians(), CPU_GOAL[kind]);
}

export const chainDrain: Benchmark = {
  name: 'chain',
  run: async (context) => [await runKind(context, 'formal'), await runKind(context, 'functional')],
};
