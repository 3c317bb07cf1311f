/** Async end to end at 200 a second ÷ the business commit alone, percentiles of the same run. */

import type { LinkKit } from '../../link/kit.ts';
import type { Database } from '../../runtime/postgres.ts';
import { pause } from '../../runtime/wake.ts';
import { managerCreated } from '../../services/assessments/domain/manager.ts';
import { insertManager } from '../../services/assessments/store/managers.ts';
import { type BenchContext, type Benchmark, mustBe, scaled } from '../benchmark.ts';
import { benchLink } from '../events.ts';
import type { Effects } from '../handlers.ts';
import { createHiringDatabase, type HiringReady, startHiring } from '../hiring.ts';
import { machineMs, percentile } from '../measure.ts';
import { newManager, startProducer, untilClosed } from '../producer.ts';
import type { Remote } from '../remote.ts';
import { type Goal, type Ratio, ratioOf } from '../report.ts';

const PER_SECOND = 200;
/** 6 s a round: the 99th percentile still has 12 messages above it. */
const MESSAGES = 1_200;

const link = benchLink('async');

const goalOf = (percent: number): Goal => ({
  name: `async end to end ÷ commit, p${percent}`,
  unit: 'ms',
  goal: 4,
  bound: 'at most',
  note:
    `${PER_SECOND} registrations a second; ours: from the begin of the business transaction to the ` +
    'committed effect in another process · against: the same transactions from begin to commit',
});

/** Both sides of one run, in milliseconds. */
interface Latencies {
  readonly endToEndMs: readonly number[];
  readonly commitMs: readonly number[];
}

interface Registered {
  readonly eventId: string;
  readonly beganMs: number;
  readonly committedMs: number;
}

async function register(sql: Database, kit: LinkKit): Promise<Registered> {
  const manager = newManager();
  const beganMs = machineMs();
  const messages = await sql.begin(async (tx) => {
    const enqueued = kit.enqueue(tx, link.id, [managerCreated(manager)]);
    await Promise.all([insertManager(tx, manager), enqueued]);
    return enqueued;
  });
  const committedMs = machineMs();
  await kit.deliver(messages);
  return { eventId: messages[0]!.eventId, beganMs, committedMs };
}

/** Registers `count` managers at a steady rate, however long the calls take. */
async function registerSteadily(sql: Database, kit: LinkKit, count: number): Promise<Registered[]> {
  const under: Promise<Registered>[] = [];
  const startedAtMs = performance.now();
  while (under.length < count) {
    const dueMs = startedAtMs + (under.length * 1_000) / PER_SECOND;
    const waitMs = dueMs - performance.now();
    if (waitMs > 0) await pause(waitMs);
    under.push(register(sql, kit));
  }
  return Promise.all(under);
}

export async function measureLatencies(
  sides: { sql: Database; kit: LinkKit; remote: Remote<HiringReady, Effects> },
  count: number,
  closedBefore: number,
): Promise<Latencies> {
  await sides.remote.take();
  const registered = await registerSteadily(sides.sql, sides.kit, count);
  await untilClosed(sides.sql, closedBefore + count);
  const effectMs = new Map(await sides.remote.take());
  mustBe('effects', effectMs.size, count);
  return {
    endToEndMs: registered.map(({ eventId, beganMs }) => effectMs.get(eventId)! - beganMs),
    commitMs: registered.map(({ beganMs, committedMs }) => committedMs - beganMs),
  };
}

async function measureRounds(context: BenchContext): Promise<Latencies[]> {
  const { servers, rounds } = context;
  const count = scaled(MESSAGES, context);
  const producer = await startProducer(servers, link);
  const hiring = await createHiringDatabase(servers);
  const remote = await startHiring(servers, hiring, 'formal');
  const { kit, stop } = await producer.startKit(remote.ready.address);
  const measured: Latencies[] = [];
  try {
    for (let round = 0; round <= rounds; round += 1)
      measured.push(
        await measureLatencies({ sql: producer.sql, kit, remote }, count, round * count),
      );
    return measured.slice(1); // the first one warms up
  } finally {
    await stop();
    await remote.stop();
    await hiring.stop();
    await producer.stop();
  }
}

export const endToEnd: Benchmark = {
  name: 'latency',
  run: async (context) => {
    const measured = await measureRounds(context);
    return [50, 99].map((percent): Ratio => {
      const ours = measured.map(({ endToEndMs }) => percentile(endToEndMs, percent / 100));
      const against = measured.map(({ commitMs }) => percentile(commitMs, percent / 100));
      return ratioOf(goalOf(percent), { ours, against });
    });
  },
};
