/** Sync link inline (outbox, call, inbox, receipt) ÷ the same two commits and the call by hand. */

import { randomUUIDv7 } from 'node:crypto';
import { create } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { ManagerCreatedSchema } from '../../gen/assessments/events/v1/manager_created_pb.ts';
import type { LinkKit } from '../../link/kit.ts';
import type { Database } from '../../runtime/postgres.ts';
import { type Manager, managerCreated } from '../../services/assessments/domain/manager.ts';
import { insertManager } from '../../services/assessments/store/managers.ts';
import { createBareClient } from '../bareGrpc.ts';
import { type Benchmark, mustBe, scaled } from '../benchmark.ts';
import { benchLink } from '../events.ts';
import { createHiringDatabase, startHiring } from '../hiring.ts';
import { alternate, percentile, timeMs } from '../measure.ts';
import { newManager, startProducer } from '../producer.ts';
import { type Goal, ratioOf } from '../report.ts';

const REQUESTS = 1_000;

const GOAL: Goal = {
  name: 'sync link inline p50 ÷ two commits and a call by hand',
  unit: 'ms',
  goal: 1.5,
  bound: 'at most',
  note:
    'one request after another; ours: manager and outbox row committed, called, inbox and replica ' +
    'committed, receipt awaited · against: manager committed, bare grpc-js call, replica committed',
};

const link = benchLink('sync');

/** The use case of services/assessments with one consumer: true when the consumer applied it. */
async function registerInline(sql: Database, kit: LinkKit): Promise<boolean> {
  const manager = newManager();
  const messages = await sql.begin(async (tx) => {
    const enqueued = kit.enqueue(tx, link.id, [managerCreated(manager)]);
    await Promise.all([insertManager(tx, manager), enqueued]);
    return enqueued;
  });
  const deliveries = await kit.deliver(messages);
  return deliveries.every(({ state }) => state === 'applied');
}

async function registerByHand(
  sql: Database,
  client: ReturnType<typeof createBareClient>,
): Promise<void> {
  const manager = newManager();
  await sql.begin((tx) => insertManager(tx, manager));
  const value = create(ManagerCreatedSchema, eventOf(manager));
  await client.putManager({ event: { case: 'managerCreatedV1', value } });
}

function eventOf({ id, nickname, createdAt }: Manager) {
  return {
    eventId: randomUUIDv7(),
    eventVersion: 1,
    eventName: 'ManagerCreated',
    producedAt: timestampFromDate(new Date()),
    payload: {
      managerReplicationId: id,
      nickname,
      createdAt: timestampFromDate(createdAt),
    },
  };
}

/** The median of `count` requests one after another, in milliseconds. */
async function p50Of(count: number, request: () => Promise<unknown>): Promise<number> {
  const timesMs: number[] = [];
  for (let i = 0; i < count; i += 1) timesMs.push(await timeMs(request));
  return percentile(timesMs, 0.5);
}

export const inlineDelivery: Benchmark = {
  name: 'inline',
  run: async (context) => {
    const { servers, rounds } = context;
    const count = scaled(REQUESTS, context);
    const producer = await startProducer(servers, link);
    const hiring = await createHiringDatabase(servers);
    const remote = await startHiring(servers, hiring, 'formal');
    const { kit, stop } = await producer.startKit(remote.ready.address);
    const client = createBareClient(remote.ready.bareAddress);
    const { sql } = producer;
    const ours = async () => {
      let applied = 0;
      const request = async () => {
        if (await registerInline(sql, kit)) applied += 1;
      };
      const p50Ms = await p50Of(count, request);
      mustBe('requests answered applied', applied, count);
      return p50Ms;
    };
    const against = () => p50Of(count, () => registerByHand(sql, client));
    try {
      return [ratioOf(GOAL, await alternate({ ours, against }, rounds))];
    } finally {
      client.close();
      await stop();
      await remote.stop();
      await hiring.stop();
      await producer.stop();
    }
  },
};
