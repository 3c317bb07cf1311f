import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { Msg } from '@nats-io/transport-node';
import { compareVersions, connectNats, keepSubscribed, NatsError, parseNatsUrl } from './nats.ts';
import { findNatsServer, freePort, startTestNats, until } from './testing.ts';

const binary = findNatsServer();
const skip = binary === undefined && 'no nats-server: set RELINK_NATS_SERVER or put it on PATH';
const hasOpenssl = spawnSync('openssl', ['version']).status === 0;

test('a URL gives servers and credentials', () => {
  assert.deepEqual(parseNatsUrl('nats://h:4222'), { servers: ['h:4222'] });
  assert.deepEqual(parseNatsUrl('nats://ada:p%40ss@h:1,i:2'), {
    servers: ['h:1', 'i:2'],
    user: 'ada',
    pass: 'p@ss',
  });
  assert.deepEqual(parseNatsUrl('tls://t0ken@h:1'), { servers: ['tls://h:1'], token: 't0ken' });
  assert.deepEqual(parseNatsUrl('nats://ada:p:q@[::1]:4222'), {
    servers: ['[::1]:4222'],
    user: 'ada',
    pass: 'p:q',
  });
  const wrong = ['nats://@h:1', 'nats://u%er:p@h:1', 'nats://%E0%A4@h', 'nats://h:99999'];
  for (const bad of ['http://h:1', 'nats://', 'nats://h:1,', 'h:1', 'nats://[::1:1', ...wrong]) {
    assert.throws(() => parseNatsUrl(bad), { code: 'bad_url' });
  }
});

test('versions are compared by number', () => {
  assert.ok(compareVersions('2.9.25', '2.14.7') < 0);
  assert.ok(compareVersions('2.14.7-RC.1', '2.14.7') === 0);
  assert.ok(compareVersions('3.0.0', '2.14.7') > 0);
});

test('a server that is too old is refused and both versions are named', async () => {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.write('INFO {"server_id":"x","version":"2.8.4","max_payload":1048576,"proto":1}\r\n');
    socket.on('data', (chunk) => chunk.includes('PING') && socket.write('PONG\r\n'));
  });
  const port = await freePort();
  server.listen(port, '127.0.0.1');
  await assert.rejects(
    connectNats(`nats://127.0.0.1:${port}`, { name: 'old' }),
    (error) => error instanceof NatsError && /2\.8\.4.*2\.9\.0/.test(error.message),
  );
  server.close();
});

test('the connection waits for the server, survives its death and closes', { skip }, async () => {
  const server = await startTestNats(binary!, ['--user', 'ada', '--pass', 'secret']);
  await server.kill();
  const connecting = connectNats(server.url.replace('//', '//ada:secret@'), { name: 'tested' });
  await server.start();
  const nats = await connecting;
  const received: string[] = [];
  nats.connection.subscribe('greeting', {
    callback: (_error, message) => void received.push(message.string()),
  });
  await nats.connection.flush();
  await server.kill();
  await until('the loss is noticed', () => !nats.isConnected());
  await server.start();
  await until('the connection is back', () => nats.isConnected());
  await until('the subscription is back', () => {
    nats.connection.publish('greeting', 'hello');
    return received.includes('hello');
  });
  await Promise.all([nats.close(), nats.close()]);
  assert.equal(nats.connection.isClosed(), true);
  await server.stop();
});

test('closing while the server is down ends', { skip }, async () => {
  const server = await startTestNats(binary!);
  const nats = await connectNats(server.url, { name: 'tested' });
  await server.kill();
  await until('the loss is noticed', () => !nats.isConnected());
  await nats.close();
  assert.equal(nats.connection.isClosed(), true);
});

test('what cannot be connected to says why, in the log and to whoever asks', { skip }, async () => {
  const server = await startTestNats(binary!, ['--user', 'ada', '--pass', 'secret']);
  const nats = await connectNats(server.url.replace('//', '//ada:secret@'), { name: 'tested' });
  await assert.rejects(nats.check(), /NATS: jetstream is not enabled/);
  await server.kill();
  await until('the loss is noticed', () => !nats.isConnected());
  assert.match(nats.problem(), /no connection to 127\.0\.0\.1:\d+/);
  const other = await startTestNats(binary!, [
    '-p',
    new URL(server.url).port,
    '--user',
    'eve',
    '--pass',
    'x',
  ]);
  await until('the refusal is told', () => /Authorization Violation/.test(nats.problem()));
  assert.match(nats.problem(), /check the credentials in RELINK_NATS_URL/);
  await assert.rejects(nats.check(), /Authorization Violation/);
  await nats.close();
  await other.stop();
});

test('a server that comes back with a certificate of an unknown authority is told', {
  skip: skip || (!hasOpenssl && 'no openssl: install it'),
}, async (t) => {
  const server = await startTestNats(binary!);
  const nats = await connectNats(server.url, { name: 'tested' });
  await server.kill();
  const port = new URL(server.url).port;
  const guarded = await startTestNats(binary!, ['-p', port, ...(await selfSigned(t))]);
  await until('the certificate is told', () => /self-signed/.test(nats.problem()));
  assert.match(nats.problem(), /name the certificate of its authority in NODE_EXTRA_CA_CERTS/);
  await assert.rejects(nats.check(), /self-signed/);
  await guarded.stop();
  await server.start();
  await until('the connection is back', () => nats.isConnected() && nats.problem() === '');
  await nats.close();
  await server.stop();
});

/** nats-server's arguments for a certificate that nobody vouches for. */
async function selfSigned(t: TestContext): Promise<string[]> {
  const dir = await mkdtemp(join(tmpdir(), 'relink-test-tls-'));
  t.after(() => rm(dir, { recursive: true }));
  const [key, certificate] = [join(dir, 'key.pem'), join(dir, 'certificate.pem')];
  const request = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-subj', '/CN=127.0.0.1'];
  const made = spawnSync('openssl', [...request, '-keyout', key, '-out', certificate]);
  assert.equal(made.status, 0, String(made.stderr));
  return ['--tls', '--tlskey', key, '--tlscert', certificate];
}

test('what a subscriber throws does not end the connection', { skip }, async () => {
  const server = await startTestNats(binary!);
  const nats = await connectNats(server.url, { name: 'tested' });
  const problems: unknown[] = [];
  const received: string[] = [];
  const take = (message: Msg) => {
    received.push(message.string());
    if (message.string() === 'bad') throw new Error('unreadable');
  };
  const standing = keepSubscribed(nats.connection, 'greeting', take, (one) => problems.push(one));
  nats.connection.publish('greeting', 'bad');
  nats.connection.publish('greeting', 'good');
  await until('both are taken', () => received.length === 2);
  assert.match(String(problems[0]), /unreadable/);
  standing.unsubscribe();
  await nats.close();
  await server.stop();
});
