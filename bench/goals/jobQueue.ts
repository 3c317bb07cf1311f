/** Relay drain ÷ graphile-worker, tuned, publishing the same events. */
import { Logger, makeWorkerUtils, run } from 'graphile-worker';
import { laneOf, subjectOf } from '../../link/link.ts';
import { Publisher } from '../../link/transport/jetStream/publisher.ts';
import { HEADER } from '../../link/wire/headers.ts';
import type { NatsConnection } from '../../runtime/nats.ts';
import { type BenchContext, type Benchmark, mustBe, scaled } from '../benchmark.ts';
import { benchLink } from '../events.ts';
import { alternate, perSecond } from '../measure.ts';
import { type Producer, startProducer } from '../producer.ts';
import { newEvents } from '../rawPublish.ts';
import { type Goal, ratioOf } from '../report.ts';
import { drainByRelay } from './relayDrain.ts';

const EVENTS = 30_000;
const FILL_BATCH = 1_000;
const TASK = 'publish';
/** The fastest setting tried on two cores: see `tuned`. */
const CONCURRENT_JOBS = 200;

const GOAL: Goal = {
  name: 'relay drain ÷ tuned graphile-worker',
  unit: 'events/s',
  goal: 3,
  bound: 'at least',
  note:
    `against: a job an event, ${CONCURRENT_JOBS} jobs at once, local queue, batched completion, ` +
    "the relay's own publisher; no receipts there",
};

const link = benchLink('async');

/** As worker.graphile.org/docs/performance advises for throughput, but with more jobs at once. */
function tuned(connectionString: string) {
  return {
    worker: {
      connectionString,
      concurrentJobs: CONCURRENT_JOBS,
      maxPoolSize: 16,
      pollInterval: 100,
      localQueue: { size: CONCURRENT_JOBS * 5 },
      completeJobBatchDelay: 0,
      failJobBatchDelay: 0,
      logger: new Logger(() => () => {}),
    },
  };
}

interface PublishJob {
  readonly subject: string;
  readonly eventId: string;
  readonly event: unknown;
}

export async function fillJobs(connectionString: string, count: number): Promise<void> {
  const utils = await makeWorkerUtils({ preset: tuned(connectionString) });
  await utils.migrate();
  for (let filled = 0; filled < count; filled += FILL_BATCH) {
    const events = newEvents(Math.min(FILL_BATCH, count - filled));
    await utils.addJobs(
      events.map(({ eventId, key, text }) => ({
        identifier: TASK,
        payload: {
          subject: subjectOf(link.id, laneOf(key), 0, 'ManagerCreated'),
          eventId,
          event: JSON.parse(text),
        } satisfies PublishJob,
      })),
    );
  }
  await utils.release();
}

/** Publishes every job and returns events per second until the last one is removed. */
export async function drainByJobs(
  { servers }: BenchContext,
  producer: Producer,
  count: number,
): Promise<number> {
  const { url, nats } = producer;
  await producer.resetStreams();
  await fillJobs(url, count);
  await servers.checkpoint();
  const rate = await perSecond(count, () => runJobs(url, nats, count));
  const [{ left } = { left: -1 }] = await producer.sql<{ left: number }[]>`
    select count(*)::int as left from graphile_worker.jobs`;
  mustBe('jobs left', left, 0);
  return rate;
}

async function runJobs(url: string, nats: NatsConnection, count: number): Promise<void> {
  const publisher = new Publisher(nats);
  const done = Promise.withResolvers<void>();
  let left = count;
  const publish = async (payload: unknown) => {
    const { subject, eventId, event } = payload as PublishJob;
    const headers = `${HEADER.messageId}: ${eventId}\r\n`;
    const [result] = await publisher.publish([{ subject, headers, body: JSON.stringify(event) }]);
    if (result!.kind !== 'stored') throw new Error(JSON.stringify(result));
    left -= 1;
    if (left === 0) done.resolve();
  };
  const runner = await run({
    preset: tuned(url),
    noHandleSignals: true,
    taskList: { [TASK]: publish },
  });
  await done.promise;
  // Waits until completed jobs are removed, as the relay's side waits for its rows.
  await runner.stop();
  publisher.stop();
}

export const jobQueue: Benchmark = {
  name: 'jobs',
  run: async (context) => {
    const count = scaled(EVENTS, context);
    const producer = await startProducer(context.servers, link);
    try {
      const rounds = await alternate(
        {
          ours: () => drainByRelay(context, producer, count),
          against: () => drainByJobs(context, producer, count),
        },
        context.rounds,
      );
      return [ratioOf(GOAL, rounds)];
    } finally {
      await producer.stop();
    }
  },
};
