import assert from 'node:assert/strict';
import { test } from 'node:test';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { refuseOpenConnections } from './leaks.ts';
import { testNats } from './nats.ts';
import { until } from './until.ts';

/** Nobody is going to close what is asked for. */
const SHORT_MS = 200;

async function withStreams<T>(
  url: string,
  work: (streams: Awaited<ReturnType<typeof jetstreamManager>>['streams']) => Promise<T>,
): Promise<T> {
  const connection = await connect({ servers: url });
  try {
    return await work((await jetstreamManager(connection)).streams);
  } finally {
    await connection.close();
  }
}

test('two servers keep streams of the same name apart', async (t) => {
  const [one, two] = await Promise.all([testNats(t), testNats(t)]);
  await withStreams(one.url, (streams) => streams.add({ name: 'COMM-010', subjects: ['x'] }));
  await withStreams(two.url, async (streams) => {
    await assert.rejects(streams.info('COMM-010'), /not found/);
  });
});

test('a killed server comes back on the same port with its streams', async (t) => {
  const server = await testNats(t);
  await withStreams(server.url, (streams) => streams.add({ name: 'COMM-010', subjects: ['x'] }));
  const { pid } = server;
  await server.kill();
  assert.equal(server.isRunning, false);
  await server.start();
  assert.notEqual(server.pid, pid);
  await withStreams(server.url, async (streams) => {
    assert.equal((await streams.info('COMM-010')).config.name, 'COMM-010');
  });
});

test('a restart with an empty store forgets the streams', async (t) => {
  const server = await testNats(t);
  await withStreams(server.url, (streams) => streams.add({ name: 'COMM-010', subjects: ['x'] }));
  await server.restart({ emptyStore: true });
  await withStreams(server.url, async (streams) => {
    await assert.rejects(streams.info('COMM-010'), /not found/);
  });
});

test('a client left open is named, and nothing is said of closed ones', async (t) => {
  const server = await testNats(t);
  const connection = await connect({ servers: server.url, name: 'forgotten' });
  await assert.rejects(refuseOpenConnections(server, SHORT_MS), /left open: forgotten/);
  await connection.close();
  await refuseOpenConnections(server);
});

test('a frozen server answers nobody until it is thawed', async (t) => {
  const server = await testNats(t);
  server.signal('SIGSTOP');
  await assert.rejects(server.connections(), { name: 'TimeoutError' });
  server.signal('SIGCONT');
  await until(() => server.connections(), { what: 'an answer' });
});
