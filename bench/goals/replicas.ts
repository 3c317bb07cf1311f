/** Replicas of both services on this machine: throughput of several ÷ that of one, and memory. */
import { enqueue } from '../../link/outbox/enqueue.ts';
import { type BenchContext, type Benchmark, scaled } from '../benchmark.ts';
import { benchLink, newMessage } from '../events.ts';
import { createHiringDatabase, startHiring } from '../hiring.ts';
import { alternate, perSecond } from '../measure.ts';
import { MemoryWatch } from '../memory.ts';
import { type Producer, startProducer, startRelay, untilClosed } from '../producer.ts';
import { type Goal, type Ratio, ratioOf } from '../report.ts';

const EVENTS = 50_000;
const WRITTEN_AT_ONCE = 1_000;
const REPLICAS = [2, 4];
const MEMORY_MB = 250;

const link = benchLink('async');

const goalOf = (replicas: number): Goal => ({
  name: `${replicas} replicas of both services ÷ one`,
  unit: 'events/s',
  goal: 0.9,
  bound: 'at least',
  note:
    'ours: as many relays and as many consumers, a process each, drain what one transaction committed · ' +
    'against: one of each',
});

const MEMORY: Goal = {
  name: 'memory of a service while it drains ÷ 250 MB',
  unit: 'MB',
  goal: 1,
  bound: 'at most',
  note: 'ours: the most of relay and consumer, in each drain · against: the goal itself',
};

interface Drained {
  readonly perSecond: number;
  /** The most that one of the processes took, in MB. */
  readonly memoryMb: number;
}

/** With processes of its own, which drain half as much before, to warm up. */
async function drainBy(context: BenchContext, processes: number): Promise<Drained> {
  const { servers } = context;
  const producer = await startProducer(servers, link);
  const hiring = await createHiringDatabase(servers);
  const each = Array.from({ length: processes });
  const consumers = await Promise.all(each.map(() => startHiring(servers, hiring, 'formal')));
  const { address } = consumers[0]!.ready;
  const relays = await Promise.all(each.map(() => startRelay(servers, producer, address)));
  const memory = new MemoryWatch(...[...relays, ...consumers].map(({ pid }) => pid));
  const count = scaled(EVENTS, context);
  try {
    await write(producer, count / 2);
    await untilClosed(producer.sql, count / 2);
    await servers.checkpoint();
    await write(producer, count);
    const rate = await perSecond(count, () => untilClosed(producer.sql, count + count / 2));
    return { perSecond: rate, memoryMb: memory.take() };
  } finally {
    await memory.stop();
    for (const one of [...relays, ...consumers, hiring, producer]) await one.stop();
  }
}

/** In one transaction: nobody begins before all of it is there. */
async function write({ sql }: Producer, count: number): Promise<void> {
  await sql.begin(async (tx) => {
    for (let written = 0; written < count; written += WRITTEN_AT_ONCE) {
      const length = Math.min(WRITTEN_AT_ONCE, count - written);
      await enqueue(tx, link, Array.from({ length }, newMessage));
    }
  });
}

export const replicas: Benchmark = {
  name: 'replicas',
  isLarge: true,
  run: async (context) => {
    const ratios: Ratio[] = [];
    const memoryMb: number[] = [];
    const one = async () => {
      const drained = await drainBy(context, 1);
      memoryMb.push(drained.memoryMb);
      return drained.perSecond;
    };
    for (const count of REPLICAS) {
      const ours = async () => (await drainBy(context, count)).perSecond;
      ratios.push(ratioOf(goalOf(count), await alternate({ ours, against: one }, context.rounds)));
    }
    const against = memoryMb.map(() => MEMORY_MB);
    return [...ratios, ratioOf(MEMORY, { ours: memoryMb, against })];
  },
};
