/** What is written into the client's connection as text is what the stream stores. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { jetstreamManager } from '@nats-io/jetstream';
import { connectNats } from '../../../runtime/nats.ts';
import { testNats } from '../../../test/harness/nats.ts';
import { ensureStream } from './provision.ts';
import { Publisher } from './publisher.ts';

const STREAM = 'COMM-010';
const LIMIT = 4_096;

async function streamed(t: TestContext) {
  const server = await testNats(t, `max_payload: ${LIMIT}`);
  const { connection, close } = await connectNats(server.url, { name: 'test' });
  t.after(close);
  const manager = await jetstreamManager(connection);
  await ensureStream(manager, STREAM);
  const publisher = new Publisher(connection);
  t.after(() => publisher.stop());
  return { connection, manager, publisher };
}

const messageOf = (body: string, headers = '') => ({ subject: `${STREAM}.00`, headers, body });

test('messages are stored in order, with their headers and texts, whatever these hold', async (t) => {
  const { manager, publisher } = await streamed(t);
  const texts = ['one', '', 'Żółć ключ 𝄞', 'a\r\nHPUB b', ...Array.from({ length: 900 }, String)];
  const sent = texts.map((text, i) =>
    messageOf(text, `Nats-Msg-Id: ${i}\r\nRelink-Key: k%20${i}\r\n`),
  );
  const results = await publisher.publish(sent);
  assert.deepEqual(
    results.map((result) => result.kind === 'stored' && result.streamSeq),
    texts.map((_, i) => i + 1),
  );
  for (const [i, text] of texts.slice(0, 5).entries()) {
    const stored = await manager.streams.getMessage(STREAM, { seq: i + 1 });
    assert.equal(stored!.string(), text);
    assert.equal(stored!.header.get('Relink-Key'), `k%20${i}`);
  }
  const [again] = await publisher.publish(sent.slice(0, 1));
  assert.deepEqual(again, { kind: 'stored', streamSeq: 1, duplicate: true });
});

test('a message that is too large is refused, and those around it are stored', async (t) => {
  const { publisher } = await streamed(t);
  const sent = ['first', 'x'.repeat(LIMIT), 'last'].map((body) => messageOf(body));
  const results = await publisher.publish(sent);
  assert.deepEqual(
    results.map(({ kind }) => kind),
    ['stored', 'refused', 'stored'],
  );
});

test('what is published on a closed connection counts as unknown', async (t) => {
  const { connection, publisher } = await streamed(t);
  await connection.close();
  const [result] = await publisher.publish([messageOf('late')]);
  assert.equal(result!.kind, 'unknown');
});
