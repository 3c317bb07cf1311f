/** What becomes of messages that a stream has stored and that no receipt comes for. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { jetstreamManager } from '@nats-io/jetstream';
import { until } from '../../test/harness/until.ts';
import { ALL_LANES } from '../link.ts';
import { ensureStream } from '../transport/jetStream/provision.ts';
import { Publisher } from '../transport/jetStream/publisher.ts';
import { JetStreamDispatcher } from '../transport/jetStream/send.ts';
import { keyIn, LINK, relayRig, writeAll } from './relay.fixture.ts';
import { changeRoute, prepareRoutes } from './routes.ts';

const CONSUMER = Object.keys(LINK.consumers)[0]!;

/** Three messages are stored; the consumer answers that it has nothing and that nothing is on its way. */
async function storedUnknown(t: TestContext) {
  let asked = 0;
  const { sql, nats, relay } = await relayRig(t, {
    async: (connection) => new JetStreamDispatcher(new Publisher(connection), LINK, 'hiring'),
    ask: async () => {
      asked += 1;
      return { receipts: [], isStreamIdle: true };
    },
  });
  const manager = await jetstreamManager(nats);
  await ensureStream(manager, LINK.id);
  await prepareRoutes(sql, [LINK]);
  const to = { transport: 'async', version: LINK.starts.version } as const;
  const leg = { link: LINK, consumer: CONSUMER, lanes: ALL_LANES };
  await changeRoute(sql, { ...leg, ...to, expectedEpoch: 1n, hold: false });
  await relay.start();
  await writeAll(sql, [1, 2, 3].map(keyIn));
  const stored = async () => (await manager.streams.info(LINK.id)).state.last_seq;
  await until(async () => (await stored()) === 3, { what: 'they are stored' });
  return { manager, stored, asked: () => asked };
}

test('what the stream still has is asked for, and not sent again', async (t) => {
  const { stored, asked } = await storedUnknown(t);
  await until(() => asked() >= 2, { what: 'the consumer is asked twice' });
  assert.equal(await stored(), 3);
});

test('what the stream has lost is sent again', async (t) => {
  const { manager, stored } = await storedUnknown(t);
  await manager.streams.purge(LINK.id);
  await until(async () => (await stored()) === 6, { what: 'they are stored again' });
});
