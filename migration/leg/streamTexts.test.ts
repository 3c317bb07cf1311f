import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { ensureConsumer, ensureStream } from '../../link/transport/jetStream/provision.ts';
import { connectNats } from '../../runtime/nats.ts';
import { testNats } from '../../test/harness/nats.ts';
import { noStreams } from '../../test/rigs/oneStep.ts';
import type { StepContext } from '../plan.ts';
import { eraseMessages, listLinkStreams } from './streamTexts.ts';

const LINK = 'COMM-010';

/** A stream with messages that its durable consumer has settled up to one of them. */
async function settledStream(t: TestContext, { messages = 0, settled = 0 }) {
  const server = await testNats(t);
  const { connection, close } = await connectNats(server.url, { name: 'test' });
  t.after(close);
  const manager = await jetstreamManager(connection);
  await ensureStream(manager, LINK);
  await ensureConsumer(manager, LINK, 'hiring');
  for (let i = 0; i < messages; i += 1) connection.publish(`${LINK}.00`, `${i}`);
  await connection.flush();
  const consumer = await jetstream(connection).consumers.get(LINK, 'hiring');
  for await (const one of await consumer.fetch({ max_messages: messages, expires: 10_000 }))
    if (one.seq <= settled) await one.ackAck();
  const context = {
    streams: { ...noStreams, manager: async () => manager },
    run: { id: 'a run', link: LINK, settings: { patience_seconds: 0.1 }, state: 'running' },
    signal: new AbortController().signal,
  } as unknown as StepContext;
  return { manager, context };
}

test('messages are erased that every consumer has settled; one that is not is named', async (t) => {
  const { manager, context } = await settledStream(t, { messages: 100, settled: 70 });
  await eraseMessages(context, LINK, [1, 2, 50, 70]);
  await assert.rejects(eraseMessages(context, LINK, [60, 71, 100]), {
    message: /message 71 of the stream COMM-010 has to be erased, and hiring has not settled it/,
  });
  const { state } = await manager.streams.info(LINK, { deleted_details: true });
  assert.deepEqual(
    state.deleted,
    [1, 2, 50, 60, 70].filter((seq) => seq >= state.first_seq),
  );
  assert.equal(state.messages, 95);
});

test('a message that is gone already is erased', async (t) => {
  const { manager, context } = await settledStream(t, { messages: 10, settled: 10 });
  await manager.streams.purge(LINK, { seq: 5 });
  await eraseMessages(context, LINK, [2, 7]);
  assert.equal((await manager.streams.info(LINK)).state.messages, 5);
});

test('while a service does not say which links it has, no list of streams is whole', async () => {
  const unanswered = [{ service: 'management', instance: '', reason: 'no answer within 2000 ms' }];
  const participants = { topology: async () => ({ links: new Map(), unanswered }) };
  const context = { participants } as unknown as StepContext;
  await assert.rejects(listLinkStreams(context), {
    isRepeatable: true,
    message: /management did not say which links it has: their streams would be left out/,
  });
});
