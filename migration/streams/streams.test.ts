/** Streams that are not as their links want them are named field by field, and mended. */
import assert from 'node:assert/strict';
import { after, describe, it, type TestContext } from 'node:test';
import {
  AckPolicy,
  DiscardPolicy,
  type JetStreamManager,
  jetstream,
  jetstreamManager,
  RetentionPolicy,
  StorageType,
} from '@nats-io/jetstream';
import { LinkKind } from '../../gen/relink/v1/participant_pb.ts';
import { ensureConsumer, ensureStream } from '../../link/transport/jetStream/provision.ts';
import { connectNats, type NatsConnection } from '../../runtime/nats.ts';
import { testNats } from '../../test/harness/nats.ts';
import { testNatsCluster } from '../../test/harness/natsCluster.ts';
import type { Owner } from '../../test/harness/owner.ts';
import { until } from '../../test/harness/until.ts';
import { noStreams, openAlone, playService } from '../../test/rigs/oneStep.ts';
import { numbered } from '../plans/transport.ts';
import { preflight } from '../steps/preflight.ts';
import { prepareStream } from '../steps/prepareStream.ts';
import {
  type DemandingLink,
  demandOf,
  describeDifference,
  findDifferences,
} from './differences.ts';
import { mendStream } from './mend.ts';
import { requireWantedStream } from './require.ts';
import { keepRoom } from './room.ts';

const MIB = 1_024 * 1_024;

async function connectTo(t: Owner, url: string) {
  const { connection, close } = await connectNats(url, { name: 'streams' });
  t.after(close);
  return { connection, manager: await jetstreamManager(connection) };
}

const lone = await connectTo({ after }, (await testNats({ after })).url);
let links = 0;

/** A link of its own for each test, on a server that all share. */
function newLink(demand: Partial<DemandingLink> = {}): DemandingLink {
  links += 1;
  const id = `COMM-${String(900 + links)}`;
  return { id, consumers: ['hiring'], streamReplicas: 0, streamMaxBytes: 0n, ...demand };
}

async function make(manager: JetStreamManager, link: DemandingLink): Promise<void> {
  await ensureStream(manager, link.id, demandOf(link));
  for (const consumer of link.consumers) await ensureConsumer(manager, link.id, consumer);
}

async function describeAll(manager: JetStreamManager, link: DemandingLink): Promise<string[]> {
  const found = await findDifferences(manager, link);
  return found.map((one) => describeDifference(link.id, one));
}

describe('a stream and its durable consumers', () => {
  it('are as wanted when they were made for the link, and take no more than its bytes', async () => {
    const link = newLink({ streamMaxBytes: BigInt(4 * MIB) });
    await make(lone.manager, link);
    assert.deepEqual(await describeAll(lone.manager, link), []);
    const { config } = await lone.manager.streams.info(link.id);
    assert.equal(config.max_bytes, 4 * MIB);
    assert.equal(config.discard, DiscardPolicy.New);
  });

  it('are refused where the server has no room for them, with what to change', async () => {
    const link = newLink({ streamMaxBytes: 1n << 50n });
    await assert.rejects(make(lone.manager, link), {
      message:
        `the NATS server has no ${1n << 50n} bytes of storage left for the stream ${link.id}: give it ` +
        'more (max_file_store), or the link less (stream.maxBytes in the map of links)',
    });
  });

  it('of a build that set no limit are told to have none', async () => {
    const link = newLink();
    await make(lone.manager, link);
    await lone.manager.streams.update(link.id, { max_bytes: -1 });
    assert.deepEqual(await describeAll(lone.manager, link), [
      `the stream ${link.id} has max_bytes -1 instead of ${512 * MIB}`,
    ]);
  });

  it('are named field by field, with what is wanted and what was found, and mended', async () => {
    const link = newLink();
    await make(lone.manager, link);
    await lone.manager.streams.update(link.id, {
      ...{ discard: DiscardPolicy.Old, max_age: 3_600e9, max_msgs: 10, max_bytes: MIB },
      ...{ duplicate_window: 1e9, max_msg_size: 100, subjects: [`${link.id}.00.>`] },
      no_ack: true,
    });
    await lone.manager.consumers.update(link.id, 'hiring', {
      ...{ ack_wait: 60e9, max_deliver: 3, max_ack_pending: 7, filter_subject: `${link.id}.00.x` },
    });
    const [of, hiring] = [`the stream ${link.id}`, `the durable consumer hiring of ${link.id}`];
    assert.deepEqual((await describeAll(lone.manager, link)).sort(), [
      `${hiring} has ack_wait 60 s instead of 5 s`,
      `${hiring} has filter_subject ${link.id}.00.x instead of none`,
      `${hiring} has max_ack_pending 7 instead of 10000`,
      `${hiring} has max_deliver 3 instead of -1`,
      `${of} has discard old instead of new`,
      `${of} has duplicate_window 1 s instead of 120 s`,
      `${of} has max_age 3600 s instead of 86400 s`,
      `${of} has max_bytes ${MIB} instead of ${512 * MIB}`,
      `${of} has max_msg_size 100 instead of -1`,
      `${of} has max_msgs 10 instead of -1`,
      `${of} has no_ack true instead of false`,
      `${of} has subjects ${link.id}.00.> instead of ${link.id}.>`,
    ]);
    const mended = await mendStream(lone.manager, link);
    assert.deepEqual(
      mended.filter(({ isMended }) => !isMended),
      [],
    );
    assert.deepEqual(await describeAll(lone.manager, link), []);
  });

  it('that cannot be changed are left, with the command that removes them', async () => {
    const link = newLink();
    const config = { name: link.id, subjects: [`${link.id}.>`], num_replicas: 1 };
    await lone.manager.streams.add({
      ...config,
      ...{ storage: StorageType.Memory, retention: RetentionPolicy.Interest },
    });
    const ack_policy = AckPolicy.All;
    await lone.manager.consumers.add(link.id, { durable_name: 'hiring', ack_policy });
    const left = (await mendStream(lone.manager, link)).filter(({ isMended }) => !isMended);
    assert.deepEqual(left.map(({ field }) => field).sort(), ['ack_policy', 'retention', 'storage']);
    const [storage] = left.filter(({ field }) => field === 'storage');
    assert.match(storage!.problem, new RegExp(`cannot be changed: nats stream rm ${link.id}`));
    const [policy] = left.filter(({ field }) => field === 'ack_policy');
    assert.match(policy!.problem, new RegExp(`nats consumer rm ${link.id} hiring`));
  });
});

describe('a stream that is half full', () => {
  async function fill({
    connection,
    manager,
  }: {
    connection: NatsConnection;
    manager: JetStreamManager;
  }) {
    const link = newLink({ streamMaxBytes: BigInt(MIB) });
    await make(manager, link);
    const body = new Uint8Array(64 * 1_024);
    for (let i = 0; i < 10; i++) await jetstream(connection).publish(`${link.id}.00.v0.X`, body);
    return link.id;
  }

  it('gives up what every durable consumer has acknowledged, and nothing else', async () => {
    const { connection, manager } = lone;
    const id = await fill(lone);
    const consumer = await jetstream(connection).consumers.get(id, 'hiring');
    for (let i = 0; i < 4; i++) await (await consumer.next())!.ackAck();
    await keepRoom(manager, id);
    const { state } = await manager.streams.info(id);
    assert.deepEqual([state.first_seq, state.messages], [5, 6]);
    await keepRoom(manager, id);
    assert.equal((await manager.streams.info(id)).state.messages, 6);
  });

  it('gives up nothing while a durable consumer has acknowledged nothing', async () => {
    const id = await fill(lone);
    await keepRoom(lone.manager, id);
    assert.equal((await lone.manager.streams.info(id)).state.messages, 10);
  });
});

describe('a move onto a stream', () => {
  async function open(
    t: TestContext,
    kind: LinkKind,
    demand: Partial<DemandingLink>,
    settings: Record<string, string> = {},
  ) {
    const link = newLink(demand);
    const description = { ...link, kind, producer: 'assessments' };
    const answers = {
      describe: async () => ({ produces: [description], consumes: [description] }),
    };
    const services = {
      assessments: [await playService(t, answers)],
      hiring: [await playService(t, { ...answers, setListening: async () => ({}) })],
    };
    const step = numbered('2', 'Prepare', prepareStream);
    const streams = { ...noStreams, manager: async () => lone.manager };
    const run = { link: link.id };
    const options = { step, consumers: ['hiring'], services, settings, streams, run };
    const alone = await openAlone(t, options);
    return { link, alone, context: await alone.enter(), step };
  }

  it('fails its preflight when the stream is there and differs', async (t) => {
    const { link, context } = await open(t, LinkKind.FORMAL, {});
    await requireWantedStream(context);
    await make(lone.manager, link);
    await lone.manager.streams.update(link.id, { discard: DiscardPolicy.Old });
    await assert.rejects(preflight.apply(context), {
      kind: 'fail',
      message:
        `the stream ${link.id} has discard old instead of new: ` + `relink streams mend ${link.id}`,
    });
  });

  it('is refused to a functional link on fewer replicas than it demands, unless told so', async (t) => {
    const demand = { streamReplicas: 3 };
    const { link, step, context } = await open(t, LinkKind.FUNCTIONAL, demand);
    await assert.rejects(step.apply(context), {
      kind: 'fail',
      message:
        `the stream ${link.id} has num_replicas 1 instead of 3: relink streams mend ${link.id}, ` +
        'or start with --set allow_fewer_replicas=1',
    });
    const settings = { allow_fewer_replicas: '1' };
    const told = await open(t, LinkKind.FUNCTIONAL, demand, settings);
    await told.step.apply(told.context);
    const formal = await open(t, LinkKind.FORMAL, demand);
    await formal.step.apply(formal.context);
    const evidence = await formal.alone.journal.evidence(formal.alone.runId);
    assert.deepEqual(
      evidence.map(({ what, value }) => [what, value]),
      [['replicas', `the stream ${formal.link.id} has num_replicas 1 instead of 3`]],
    );
  });
});

it('a cluster gives a stream three replicas, and more to one that had fewer than its link demands', async (t) => {
  const cluster = await testNatsCluster(t);
  const { manager } = await connectTo(t, cluster.url);
  const link = newLink({ streamReplicas: 3 });
  await make(manager, link);
  assert.equal((await manager.streams.info(link.id)).config.num_replicas, 3);
  assert.deepEqual(await describeAll(manager, link), []);
  await manager.streams.update(link.id, { num_replicas: 1 });
  assert.deepEqual(await describeAll(manager, link), [
    `the stream ${link.id} has num_replicas 1 instead of 3`,
  ]);
  const [mended] = await mendStream(manager, link);
  assert.equal(mended!.isMended, true);
  const leader = async () => (await manager.streams.info(link.id)).cluster?.leader ?? '';
  await until(async () => cluster.servers.has(await leader()), { what: 'a server leads it' });
});
