import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { withAdmin } from '../../dev/servers/databases.ts';
import { testDatabase } from './postgres.ts';
import { startProxy } from './proxy.ts';
import { until } from './until.ts';

/** A server that answers every byte, and remembers what it received. */
async function startEcho(t: TestContext) {
  const received: string[] = [];
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.on('data', (bytes) => {
      received.push(bytes.toString());
      socket.write(bytes);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
  });
  return { port: (server.address() as { port: number }).port, received };
}

async function startClient(t: TestContext, port: number) {
  const socket: Socket = connect({ port, host: '127.0.0.1' });
  const got: string[] = [];
  socket.on('data', (bytes) => got.push(bytes.toString()));
  t.after(() => {
    socket.destroy();
  });
  await once(socket, 'connect');
  return { socket, got };
}

test('bytes pass both ways', async (t) => {
  const echo = await startEcho(t);
  const proxy = await startProxy(t, echo);
  const { socket, got } = await startClient(t, proxy.port);
  socket.write('hello');
  await until(() => got.join('') === 'hello', { what: 'the echo' });
  assert.equal(proxy.connections, 1);
});

test('cut breaks open connections and takes new ones', async (t) => {
  const echo = await startEcho(t);
  const proxy = await startProxy(t, echo);
  const first = await startClient(t, proxy.port);
  await until(() => proxy.connections === 1, { what: 'the connection accepted' });
  const broken = once(first.socket, 'error');
  proxy.cut();
  const [error] = await broken;
  assert.equal(error.code, 'ECONNRESET');
  const second = await startClient(t, proxy.port);
  second.socket.write('again');
  await until(() => second.got.join('') === 'again', { what: 'the echo' });
});

test('refuse makes connecting fail until restore, on the same port', async (t) => {
  const echo = await startEcho(t);
  const proxy = await startProxy(t, echo);
  const { port } = proxy;
  await proxy.refuse();
  const refused = connect({ port, host: '127.0.0.1' });
  const [error] = await once(refused, 'error');
  assert.equal(error.code, 'ECONNREFUSED');
  await proxy.restore();
  assert.equal(proxy.port, port);
  await startClient(t, port);
});

test('a black hole towards the client executes requests and loses answers', async (t) => {
  const echo = await startEcho(t);
  const proxy = await startProxy(t, echo);
  const { socket, got } = await startClient(t, proxy.port);
  const broken = once(socket, 'error');
  proxy.blackHole(['toClient']);
  socket.write('lost answer');
  await until(() => echo.received.includes('lost answer'), { what: 'the request arriving' });
  assert.deepEqual(got, []);
  await proxy.restore();
  await broken;
  assert.deepEqual(got, []);
});

test('a delay keeps the order, also when it becomes shorter', async (t) => {
  const echo = await startEcho(t);
  const proxy = await startProxy(t, echo);
  const { socket, got } = await startClient(t, proxy.port);
  const startedAt = performance.now();
  proxy.delay(60);
  socket.write('one ');
  await until(() => proxy.delayed === 1, { what: 'the first held back' });
  proxy.delay(1);
  socket.write('two');
  await until(() => got.join('') === 'one two', { what: 'both in order' });
  assert.ok(performance.now() - startedAt >= 30, 'the first waited for its delay');
});

test('PostgreSQL through the proxy works, and its client sees a cut', async (t) => {
  const { url } = await testDatabase(t);
  const { hostname: host, port } = new URL(url);
  const proxy = await startProxy(t, { host, port: Number(port) });
  await withAdmin(proxy.through(url), async (sql) => {
    assert.deepEqual([...(await sql`select 1 as one`)], [{ one: 1 }]);
    const sleeping = sql`select pg_sleep(30)`.execute();
    await until(async () => proxy.connections === 1, { what: 'the statement under way' });
    proxy.cut();
    await assert.rejects(sleeping, { code: /ECONNRESET|CONNECTION_CLOSED/ });
  });
});
