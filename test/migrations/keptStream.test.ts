/** A stream that somebody may need stays: nothing is removed on a guess, and nothing that others made. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { AckPolicy, type JetStreamManager, jetstreamManager } from '@nats-io/jetstream';
import { Transport } from '../../gen/relink/v1/route_pb.ts';
import {
  ensureConsumer,
  ensureStream,
  readConsumer,
  readStream,
} from '../../link/transport/jetStream/provision.ts';
import { numbered } from '../../migration/plans/transport.ts';
import { prepareStream } from '../../migration/steps/prepareStream.ts';
import { removeStream } from '../../migration/steps/removeStream.ts';
import { makeReplica } from '../../migration/steps/replica.ts';
import { connectNats } from '../../runtime/nats.ts';
import { testNats } from '../harness/nats.ts';
import type { Owner } from '../harness/owner.ts';
import { noStreams, openAlone, type Played, playService } from '../rigs/oneStep.ts';

const [LINK, CONSUMER] = ['COMM-010', 'hiring'];
const NOWHERE = '127.0.0.1:1';
const prepare = numbered('2', 'Prepare', prepareStream);
const remove = numbered('5', 'Remove', removeStream);
const make = numbered('6', 'Make', makeReplica);

async function jetStream(t: Owner): Promise<JetStreamManager> {
  const server = await testNats(t);
  const { connection, close } = await connectNats(server.url, { name: 'test' });
  t.after(close);
  return jetstreamManager(connection);
}

/** A link from assessments to hiring, of which hiring listens as told; its first lane goes so. */
async function playLink(t: Owner, transport: Transport = Transport.SYNC) {
  let listening = false;
  const of = { id: LINK, producer: 'assessments', consumers: [CONSUMER] };
  const hiring: Played = {
    describe: async () => ({ consumes: [{ ...of, listening, bound: listening }] }),
    setListening: async (request) => {
      listening = request.listening;
      return {};
    },
  };
  const route = { transport, adoptedTransport: transport };
  const assessments: Played = {
    describe: async () => ({ produces: [of] }),
    getRoutes: async () => ({ lanes: [route] }),
  };
  return {
    [CONSUMER]: [await playService(t, hiring)],
    assessments: [await playService(t, assessments)],
  };
}

async function open(t: Owner, step: typeof prepare, services: Record<string, string[]>) {
  const manager = await jetStream(t);
  const streams = { ...noStreams, manager: async () => manager };
  const alone = await openAlone(t, { step, consumers: [CONSUMER], services, streams });
  return { manager, alone };
}

describe('going back from a stream', () => {
  it('removes what the run made', async (t) => {
    const { manager, alone } = await open(t, prepare, await playLink(t));
    await prepare.apply(await alone.enter());
    assert.ok(await readConsumer(manager, LINK, CONSUMER));
    await prepare.undo!(await alone.enterBack());
    assert.equal(await readStream(manager, LINK), undefined);
  });

  it('leaves what was there before, also when the step was repeated', async (t) => {
    const { manager, alone } = await open(t, prepare, await playLink(t));
    await ensureStream(manager, LINK);
    await ensureConsumer(manager, LINK, CONSUMER);
    const context = await alone.enter();
    await prepare.apply(context);
    await prepare.apply(context);
    await prepare.undo!(await alone.enterBack());
    assert.ok(await readConsumer(manager, LINK, CONSUMER));
  });
});

describe('a stream that no leg uses any more', () => {
  it('stays while its producer does not answer, for others may use it', async (t) => {
    const services = { ...(await playLink(t)), assessments: [NOWHERE] };
    const { manager, alone } = await open(t, remove, services);
    await ensureStream(manager, LINK);
    await assert.rejects(remove.apply(await alone.enter()), /assessments does not answer/);
    assert.ok(await readStream(manager, LINK));
  });

  it('stays while a lane that the run had moved goes by it again', async (t) => {
    const { manager, alone } = await open(t, remove, await playLink(t, Transport.ASYNC));
    await ensureStream(manager, LINK);
    await remove.apply(await alone.enter());
    assert.ok(await readStream(manager, LINK));
  });

  it('stays while somebody else has a durable consumer on it, who is named', async (t) => {
    const { manager, alone } = await open(t, remove, await playLink(t));
    await ensureStream(manager, LINK);
    await manager.consumers.add(LINK, { durable_name: 'audit', ack_policy: AckPolicy.Explicit });
    await assert.rejects(
      remove.apply(await alone.enter()),
      /\(audit\).*nats consumer rm COMM-010 audit/,
    );
    assert.ok(await readStream(manager, LINK));
    await manager.consumers.delete(LINK, 'audit');
    await remove.apply(await alone.enter());
    assert.equal(await readStream(manager, LINK), undefined);
  });

  it('is recorded under the names that people know it by, once it is gone', async (t) => {
    const { manager, alone } = await open(t, remove, await playLink(t));
    await ensureStream(manager, LINK);
    await remove.apply(await alone.enter());
    const evidence = await alone.journal.evidence(alone.runId);
    assert.deepEqual(
      evidence.map(({ what, value }) => [what, value]),
      [
        ['stream', 'removed'],
        ['dashboards', 'stream COMM-010, durable consumers hiring: there are none any more'],
        ['permissions at NATS', 'COMM-010.>: nobody publishes or reads it any more'],
      ],
    );
  });
});

describe("going back from a replica's table", () => {
  for (const [name, hasReplica] of [
    ['drops the one that the run made', false],
    ['leaves the one that was there', true],
  ] as const)
    it(name, async (t) => {
      let exists: boolean = hasReplica;
      const hiring: Played = {
        getReadings: async () => ({ hasReplica: exists }),
        setReplica: async (request) => {
          const changed = exists !== request.exists;
          exists = request.exists;
          return { changed };
        },
      };
      const services = { [CONSUMER]: [await playService(t, hiring)] };
      const alone = await openAlone(t, { step: make, consumers: [CONSUMER], services });
      await make.apply(await alone.enter());
      assert.equal(exists, true);
      await make.undo!(await alone.enterBack());
      assert.equal(exists, hasReplica);
    });
});
