import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type JsMsg, jetstream, jetstreamManager } from '@nats-io/jetstream';
import { headers as natsHeaders } from '@nats-io/transport-node';
import type { NatsConnection } from '../../../runtime/nats.ts';
import { connectNats } from '../../../runtime/nats.ts';
import { testNats } from '../../../test/harness/nats.ts';
import { readHeaders } from './headers.ts';
import { ensureConsumer, ensureStream } from './provision.ts';

const STREAM = 'COMM-010';

/** Publishes and reads back through a real stream: what is pinned is the client's own message. */
async function sendAndTake(nats: NatsConnection, send: () => void): Promise<JsMsg> {
  const manager = await jetstreamManager(nats);
  await ensureStream(manager, STREAM);
  await ensureConsumer(manager, STREAM, 'hiring');
  send();
  await nats.flush();
  const consumer = await jetstream(nats).consumers.get(STREAM, 'hiring');
  const message = await consumer.next({ expires: 10_000 });
  assert.ok(message);
  message.ack();
  return message;
}

test('headers read from the raw bytes equal what nats.js reads, the first of each name', async (t) => {
  const server = await testNats(t);
  const { connection, close } = await connectNats(server.url, { name: 'test' });
  t.after(close);
  const sent = natsHeaders();
  sent.append('Relink-Key', 'a:b: c');
  sent.append('Relink-Key', 'second');
  sent.append('Relink-Shadow', '');
  sent.append('Relink-Source', 'Żółć');
  sent.append('X-Other', 'not of the protocol');
  const send = () => connection.publish(`${STREAM}.00`, 'body', { headers: sent });
  const message = await sendAndTake(connection, send);
  const read = readHeaders(message);
  assert.equal(message.headers?.get('Relink-Key'), 'a:b: c');
  assert.deepEqual(read, { key: 'a:b: c', shadow: '', source: 'Żółć' });
  // The same without the raw bytes.
  assert.deepEqual(readHeaders({ headers: message.headers } as JsMsg), read);
  // The fast path was taken: the pinned parts are where they were.
  const { msg } = message as unknown as { msg: { _rdata: Uint8Array; _msg: { hdr: number } } };
  assert.ok(msg._rdata instanceof Uint8Array && msg._msg.hdr > 0);
});

test('a message without headers has none', async (t) => {
  const server = await testNats(t);
  const { connection, close } = await connectNats(server.url, { name: 'test' });
  t.after(close);
  const message = await sendAndTake(connection, () => connection.publish(`${STREAM}.00`, 'body'));
  assert.deepEqual(readHeaders(message), {});
});
