/** Sync link calls with deadline, metadata and validation ÷ bare grpc-js, no database. */
import type { Message } from '@bufbuild/protobuf';
import type { PutManagerRequest } from '../../gen/hiring/v1/links_pb.ts';
import { outboxRowOf } from '../../link/outbox/enqueue.ts';
import { pushRequest } from '../../link/transport/grpc/pushMethod.ts';
import { GrpcDispatcher } from '../../link/transport/grpc/send.ts';
import { contractOf } from '../../link/versions.ts';
import { forEachAtOnce } from '../../runtime/atOnce.ts';
import { createBareClient } from '../bareGrpc.ts';
import { type BenchContext, type Benchmark, mustBe, scaled } from '../benchmark.ts';
import { benchLink, CONSUMER, LEG, newMessage } from '../events.ts';
import type { HiringReady } from '../hiring.ts';
import { alternate, perSecond } from '../measure.ts';
import { startRemote } from '../remote.ts';
import { type Goal, ratioOf } from '../report.ts';

const CALLS = 20_000;
const AT_ONCE = 16;
/** Different messages to call with; making them is not measured. */
const MESSAGES = 500;

const GOAL: Goal = {
  name: 'sync link calls ÷ bare grpc-js',
  unit: 'calls/s',
  goal: 0.85,
  bound: 'at least',
  note:
    `${AT_ONCE} at once, server in a process of its own; ours: the dispatcher from the outbox row's ` +
    "text, the consumer's method up to the inbox, receipt · against: the same message and answer",
};

const link = benchLink('sync');

export async function callLink(address: string, count: number): Promise<number> {
  const dispatcher = new GrpcDispatcher(link, CONSUMER, link.producer, [address]);
  const to = [{ consumer: CONSUMER, epoch: 1n }];
  const parcels = Array.from({ length: MESSAGES }, () => {
    const row = outboxRowOf(link, newMessage(), LEG);
    return { row, version: row.eventVersion, to, shadow: [], copied: [], resends: 0 };
  });
  let applied = 0;
  const rate = await perSecond(count, () =>
    forEachAtOnce([...Array(count).keys()], AT_ONCE, async (i) => {
      const [result] = await dispatcher.dispatch([parcels[i % MESSAGES]!]);
      if (result?.kind === 'receipt' && result.receipt.outcome === 'applied') applied += 1;
    }),
  );
  dispatcher.close();
  mustBe('link calls applied', applied, count);
  return rate;
}

export async function callBare(address: string, count: number): Promise<number> {
  const client = createBareClient(address);
  const contract = contractOf(link, 'ManagerCreated', link.starts.version)!;
  const method = link.consumers[CONSUMER]!.push;
  const requests = Array.from({ length: MESSAGES }, (): Message => {
    const { body } = outboxRowOf(link, newMessage(), LEG);
    return pushRequest(method, contract, JSON.parse(body));
  });
  const rate = await perSecond(count, () =>
    forEachAtOnce([...Array(count).keys()], AT_ONCE, (i) =>
      client.putManager(requests[i % MESSAGES] as PutManagerRequest),
    ),
  );
  client.close();
  return rate;
}

export const linkCalls: Benchmark = {
  name: 'calls',
  run: async (context: BenchContext) => {
    const count = scaled(CALLS, context);
    const remote = await startRemote<HiringReady>('calls', {});
    const { address, bareAddress } = remote.ready;
    const rounds = await alternate(
      { ours: () => callLink(address, count), against: () => callBare(bareAddress, count) },
      context.rounds,
    ).finally(() => remote.stop());
    return [ratioOf(GOAL, rounds)];
  },
};
