import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connectNats } from '../runtime/nats.ts';
import { testNats } from '../test/harness/nats.ts';
import { onHint, sendHint } from './hints.ts';

test('a hint reaches the processes of its service, and whoever waits for that kind', async (t) => {
  const server = await testNats(t);
  const { connection, close } = await connectNats(server.url, { name: 'test' });
  t.after(close);
  const heard: string[] = [];
  for (const service of ['hiring', 'bonuses'])
    for (const hint of ['wake', 'follow'] as const)
      onHint(
        connection,
        hint,
        service,
        () => heard.push(`${hint} ${service}`),
        (problem) => heard.push(String(problem)),
      );
  sendHint(connection, 'follow', 'hiring');
  sendHint(connection, 'wake', 'bonuses');
  await connection.flush();
  assert.deepEqual(heard, ['follow hiring', 'wake bonuses']);
});

test('a hint that cannot be sent is nobody’s problem', async (t) => {
  const server = await testNats(t);
  const { connection, close } = await connectNats(server.url, { name: 'test' });
  await close();
  assert.doesNotThrow(() => sendHint(connection, 'wake', 'hiring'));
});
