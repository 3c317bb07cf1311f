import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { Client, credentials, status } from '@grpc/grpc-js';
import { Metrics } from '../runtime/metrics.ts';
import { freePort, until } from '../runtime/testing.ts';
import { startProxy } from '../test/harness/proxy.ts';
import { createRpcClient, RpcCallError, type RpcClientOptions } from './client.ts';
import { EchoService } from './echo.fixture.ts';
import { RpcError } from './errors.ts';
import type { Handlers } from './handlers.ts';
import { createRpcServer, type RpcServerOptions, serve } from './server.ts';

const LONG_MS = 60_000;
const cleanUps: (() => Promise<void> | void)[] = [];

afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

const handlers: Handlers<typeof EchoService> = {
  say: (request) => request,
  repeat: async function* ({ text, times }, { signal }) {
    for (let sent = 0; sent < times && !signal.aborted; sent += 1) yield { text };
  },
  join: async (requests) => {
    const texts: string[] = [];
    for await (const { text } of requests) texts.push(text);
    return { text: texts.join('+') };
  },
  chat: async function* (requests) {
    for await (const { text } of requests) yield { text: `${text}!` };
  },
};

async function startServer(
  overrides: Partial<Handlers<typeof EchoService>> = {},
  options: Partial<RpcServerOptions> = {},
) {
  const services = [serve(EchoService, { ...handlers, ...overrides })];
  const server = createRpcServer({ host: '127.0.0.1', port: 0, services, ...options });
  cleanUps.push(() => server.stop());
  await server.start();
  return server;
}

function connect(addresses: string | string[], options: RpcClientOptions = {}) {
  const client = createRpcClient(EchoService, addresses, { deadlineMs: LONG_MS, ...options });
  cleanUps.push(() => client.close());
  return client;
}

async function refusalOf(call: Promise<unknown>): Promise<RpcCallError> {
  const error = await call.then(
    () => assert.fail('the call was answered'),
    (refusal: unknown) => refusal,
  );
  assert.ok(error instanceof RpcCallError, String(error));
  return error;
}

const never = () => new Promise<never>(() => undefined);

async function* texts(...all: string[]) {
  for (const text of all) yield { text };
}

test('a unary call carries a typed message and its metadata', async () => {
  let seen: (string | undefined)[] = [];
  const server = await startServer({
    say: (request, context) => {
      seen = [context.header('relink-epoch'), context.header('absent'), context.method];
      assert.ok(context.deadlineMs > 0 && context.deadlineMs <= LONG_MS);
      assert.match(context.peer, /^127\.0\.0\.1:\d+$/);
      return { text: `${request.text}!`, times: request.times + 1 };
    },
  });
  const call = { deadlineMs: LONG_MS, metadata: { 'relink-epoch': '7' } };
  const answer = await connect(server.address()).say({ text: 'hé', times: 1 }, call);
  assert.deepEqual([answer.text, answer.times], ['hé!', 2]);
  assert.deepEqual(seen, ['7', undefined, 'relink.test.v1.EchoService/Say']);
});

test('an invalid request is refused and every field is named', async () => {
  const server = await startServer({ say: () => assert.fail('the handler was called') });
  const refusal = await refusalOf(connect(server.address()).say({ text: '', times: -1 }));
  assert.equal(refusal.code, 'INVALID_ARGUMENT');
  assert.equal(refusal.reason, 'FIELDS_INVALID');
  assert.equal(refusal.outcome, 'refused');
  assert.deepEqual(
    refusal.fields.map(({ field }) => field),
    ['text', 'times'],
  );
});

test('unreadable bytes are the fault of the caller', async () => {
  const server = await startServer();
  const client = new Client(server.address(), credentials.createInsecure());
  cleanUps.push(() => client.close());
  const same = (bytes: Buffer) => bytes;
  const path = '/relink.test.v1.EchoService/Say';
  const code = await new Promise((resolve) => {
    client.makeUnaryRequest(path, same, same, Buffer.from([10, 200]), (error) => {
      resolve(error?.code);
    });
  });
  assert.equal(code, status.INVALID_ARGUMENT);
});

test('an error of a handler arrives with its reason and facts but without its cause', async () => {
  const server = await startServer({
    say: () => {
      throw new RpcError('NOT_FOUND', 'ID_UNKNOWN', 'no manager with this id', {
        metadata: { link: 'COMM-010' },
        cause: new Error('select failed for Ada'),
      });
    },
  });
  const refusal = await refusalOf(connect(server.address()).say({ text: 'x' }));
  const { code, reason, metadata, outcome, message } = refusal;
  assert.deepEqual([code, reason, outcome], ['NOT_FOUND', 'ID_UNKNOWN', 'refused']);
  assert.deepEqual({ ...metadata }, { link: 'COMM-010' });
  assert.match(message, /EchoService\/Say at 127.*NOT_FOUND no manager with this id/);
  assert.doesNotMatch(JSON.stringify(refusal) + message, /Ada/);
});

test('an unexpected error says INTERNAL and nothing else, and its outcome is unknown', async () => {
  const server = await startServer({
    say: () => {
      throw new Error('secret of the database');
    },
  });
  const refusal = await refusalOf(connect(server.address()).say({ text: 'x' }));
  assert.deepEqual([refusal.code, refusal.outcome], ['INTERNAL', 'unknown']);
  assert.doesNotMatch(refusal.message, /secret/);
});

test('what a server that is needed cannot do now says UNAVAILABLE, and not why', async () => {
  const server = await startServer({
    say: () => {
      throw Object.assign(new Error('read-only, says the database'), { code: '25006' });
    },
  });
  const refusal = await refusalOf(connect(server.address()).say({ text: 'x' }));
  assert.deepEqual([refusal.code, refusal.reason], ['UNAVAILABLE', 'UNAVAILABLE']);
  assert.doesNotMatch(refusal.message, /read-only/);
});

test('a deadline ends the call for the client and aborts the signal of the handler', async () => {
  const aborted = Promise.withResolvers<void>();
  const server = await startServer({
    say: (_request, { signal }) => {
      signal.addEventListener('abort', () => aborted.resolve());
      return never();
    },
  });
  const refusal = await refusalOf(connect(server.address()).say({ text: 'x' }, { deadlineMs: 50 }));
  assert.deepEqual([refusal.code, refusal.outcome], ['DEADLINE_EXCEEDED', 'unknown']);
  assert.match(refusal.message, /: DEADLINE_EXCEEDED no answer within [\d.]+ s$/);
  await aborted.promise;
});

test('a call can be cancelled by a signal, even by one that is already aborted', async () => {
  const isCalled = Promise.withResolvers<void>();
  const server = await startServer({
    say: () => {
      isCalled.resolve();
      return never();
    },
  });
  const client = connect(server.address());
  const cancelling = new AbortController();
  const call = client.say({ text: 'x' }, { signal: cancelling.signal });
  await isCalled.promise;
  cancelling.abort();
  assert.equal((await refusalOf(call)).code, 'CANCELLED');
  const again = client.say({ text: 'x' }, { signal: cancelling.signal });
  assert.equal((await refusalOf(again)).code, 'CANCELLED');
});

test('streams work in every direction and are validated too', async () => {
  const server = await startServer();
  const client = connect(server.address());
  const repeated: string[] = [];
  for await (const { text } of client.repeat({ text: 'a', times: 300 })) repeated.push(text);
  assert.equal(repeated.length, 300);
  assert.equal((await client.join(texts('a', 'b', 'c'))).text, 'a+b+c');
  const said: string[] = [];
  for await (const { text } of client.chat(texts('x', 'y'))) said.push(text);
  assert.deepEqual(said, ['x!', 'y!']);
  const refusal = await refusalOf(client.join(texts('a', '')));
  assert.deepEqual(refusal.fields[0]?.field, 'text');
});

test('a slow reader slows the handler down, and one that stops early ends it', async () => {
  let sent = 0;
  const ended = Promise.withResolvers<void>();
  const big = 'x'.repeat(10_000);
  const server = await startServer({
    repeat: async function* (_request, { signal }) {
      try {
        for (; !signal.aborted; sent += 1) yield { text: big };
      } finally {
        ended.resolve();
      }
    },
  });
  let read = 0;
  for await (const _ of connect(server.address()).repeat({ text: 'a' })) {
    read += 1;
    if (read === 5) break;
  }
  await ended.promise;
  assert.ok(sent < 5_000, `${sent} messages were made for 5 that were read`);
});

test('a call without a server fails at once and its outcome is unknown', async () => {
  const client = connect(`127.0.0.1:${await freePort()}`);
  const refusal = await refusalOf(client.say({ text: 'x' }));
  assert.deepEqual([refusal.code, refusal.outcome], ['UNAVAILABLE', 'unknown']);
});

test('only a call that may be repeated goes on to the next replica', async () => {
  const server = await startServer();
  const gone = `127.0.0.1:${await freePort()}`;
  const refusal = await refusalOf(connect([gone, server.address()]).say({ text: 'x' }));
  assert.equal(refusal.address, gone);
  const answer = await connect([gone, server.address()]).say(
    { text: 'x' },
    { retryUnavailable: true },
  );
  assert.equal(answer.text, 'x');
});

test('calls in progress at a replica that dies are repeated at the other one only', async (t) => {
  let reached = 0;
  const dying = await startServer({
    say: () => {
      reached += 1;
      return never();
    },
  });
  const way = await startProxy(t, { port: dying.port() });
  const client = connect([way.address, (await startServer()).address()]);
  const calls = Array.from({ length: 12 }, () =>
    client.say({ text: 'x' }, { retryUnavailable: true }),
  );
  await until('half of them are under way there', () => reached === calls.length / 2);
  await way.refuse();
  for (const { text } of await Promise.all(calls)) assert.equal(text, 'x');
});

test('calls rotate over the replicas and skip one that is gone', async () => {
  const counts = [0, 0];
  const count = (index: number) =>
    startServer({
      say: (request) => {
        counts[index]! += 1;
        return request;
      },
    });
  const servers = [await count(0), await count(1)];
  const client = connect(servers.map((server) => server.address()));
  for (let calls = 0; calls < 10; calls += 1) await client.say({ text: 'x' });
  assert.deepEqual(counts, [5, 5]);
  await servers[0]!.stop();
  await until('the replica that is gone is passed over', async () => {
    const results = await Promise.allSettled([1, 2, 3, 4].map(() => client.say({ text: 'x' })));
    return results.every((result) => result.status === 'fulfilled');
  });
});

test('calls go to every process that a name stands for, also to one that comes later', {
  skip: process.platform !== 'linux' && 'only Linux has all of 127.0.0.0/8',
}, async () => {
  const counts = new Map<string, number>();
  const start = (host: string, port: number) => {
    const say = (request: { text: string }) => {
      counts.set(host, (counts.get(host) ?? 0) + 1);
      return request;
    };
    return startServer({ say }, { host, port });
  };
  const { port } = await start('127.0.0.1', 0).then((server) => ({ port: server.port() }));
  await start('127.0.0.2', port);
  let known = ['127.0.0.1'];
  const client = connect(`localhost:${port}`, { lookup: async () => known });
  const reaches = (hosts: string[]) =>
    until(`it calls ${hosts}`, async () => {
      counts.clear();
      for (let calls = 0; calls < 4; calls += 1)
        await client.say({ text: 'x' }).catch(() => undefined);
      return [...counts.keys()].sort().join() === hosts.join();
    });
  await reaches(['127.0.0.1']);
  known = ['127.0.0.1', '127.0.0.2'];
  await reaches(['127.0.0.1', '127.0.0.2']);
  known = ['127.0.0.2'];
  await reaches(['127.0.0.2']);
});

test('a client finds a server that came back on the same port', async () => {
  const first = await startServer();
  const client = connect(first.address());
  await client.say({ text: 'x' });
  await first.stop();
  await refusalOf(client.say({ text: 'x' }));
  await startServer({}, { port: first.port() });
  await until('the server is found again', () =>
    client.say({ text: 'x' }).then(
      () => true,
      () => false,
    ),
  );
});

test('stopping lets open calls end, refuses new ones, and ends streams', async () => {
  const release = Promise.withResolvers<void>();
  const isCalled = Promise.withResolvers<void>();
  const server = await startServer({
    say: async (request) => {
      isCalled.resolve();
      await release.promise;
      return request;
    },
    repeat: async function* (_request, { signal }) {
      yield { text: 'open' };
      await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
    },
  });
  const client = connect(server.address());
  const open = client.say({ text: 'last' });
  const stream = client.repeat({ text: 'x' })[Symbol.asyncIterator]();
  assert.equal((await stream.next()).value?.text, 'open');
  await isCalled.promise;
  const stopped = server.stop();
  assert.equal((await stream.next()).done, true);
  release.resolve();
  assert.equal((await open).text, 'last');
  await stopped;
  assert.equal((await refusalOf(client.say({ text: 'x' }))).code, 'UNAVAILABLE');
});

test('stopping cuts off calls that do not end in time', async () => {
  const isCalled = Promise.withResolvers<void>();
  const hang = () => {
    isCalled.resolve();
    return never();
  };
  const server = await startServer({ say: hang }, { stopLimitMs: 20 });
  const open = connect(server.address()).say({ text: 'x' });
  await isCalled.promise;
  const [refusal] = await Promise.all([refusalOf(open), server.stop()]);
  assert.equal(refusal.outcome, 'unknown');
});

test('served calls are counted by method and status', async () => {
  const metrics = new Metrics();
  const server = await startServer({}, { metrics });
  const client = connect(server.address());
  await client.say({ text: 'x' });
  await refusalOf(client.say({ text: '' }));
  await until('both calls are counted', () => /INVALID_ARGUMENT"} 1/.test(metrics.write()));
  assert.match(metrics.write(), /seconds_count\{.*method="Say",code="OK"\} 1/);
});

test('start fails when the port is taken', async () => {
  const server = await startServer();
  const services = [serve(EchoService, handlers)];
  const second = createRpcServer({ host: '127.0.0.1', port: server.port(), services });
  await assert.rejects(async () => second.start(), /EADDRINUSE/);
  await second.stop();
});
