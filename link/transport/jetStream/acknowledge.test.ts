import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type JsMsg, jetstream, jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { connectNats } from '../../../runtime/nats.ts';
import { testNats } from '../../../test/harness/nats.ts';
import { until } from '../../../test/harness/until.ts';
import { acknowledge } from './acknowledge.ts';
import { ensureConsumer, ensureStream, readConsumer } from './provision.ts';

const STREAM = 'COMM-010';

/** As many messages of a stream, delivered and not acknowledged. */
async function deliver(nats: NatsConnection, count: number): Promise<JsMsg[]> {
  const manager = await jetstreamManager(nats);
  await ensureStream(manager, STREAM);
  await ensureConsumer(manager, STREAM, 'hiring');
  for (let i = 0; i < count; i += 1) nats.publish(`${STREAM}.00`, `${i}`);
  await nats.flush();
  const consumer = await jetstream(nats).consumers.get(STREAM, 'hiring');
  const messages: JsMsg[] = [];
  for await (const one of await consumer.fetch({ max_messages: count, expires: 10_000 }))
    messages.push(one);
  return messages;
}

/** The server counts them a little later. */
async function untilUnacknowledged(nats: NatsConnection, count: number): Promise<void> {
  const manager = await jetstreamManager(nats);
  const pending = async () => (await readConsumer(manager, STREAM, 'hiring'))!.num_ack_pending;
  await until(async () => (await pending()) === count, { what: `${count} are unacknowledged` });
}

test('a batch is acknowledged in one command, and what is not in it is not', async (t) => {
  const server = await testNats(t);
  const { connection, close } = await connectNats(server.url, { name: 'test' });
  t.after(close);
  const messages = await deliver(connection, 20);
  const { protocol } = connection as unknown as {
    protocol: { sendCommand(bytes: Uint8Array): void };
  };
  const sent = t.mock.method(protocol, 'sendCommand');
  acknowledge(connection, messages.slice(1));
  assert.equal(sent.mock.callCount(), 1);
  await untilUnacknowledged(connection, 1);
  acknowledge(connection, []);
  acknowledge(connection, messages.slice(0, 1));
  await untilUnacknowledged(connection, 0);
});

test('a connection that takes no ready commands is given one acknowledgement each', async (t) => {
  const server = await testNats(t);
  const { connection, close } = await connectNats(server.url, { name: 'test' });
  t.after(close);
  const messages = await deliver(connection, 3);
  const other = { isClosed: () => false, isDraining: () => false } as unknown as NatsConnection;
  acknowledge(other, messages);
  await untilUnacknowledged(connection, 0);
});
