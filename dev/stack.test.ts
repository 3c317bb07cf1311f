import assert from 'node:assert/strict';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { testNats } from '../test/harness/nats.ts';
import { testPostgresUrl } from '../test/harness/postgres.ts';
import { relink } from '../test/rigs/cli.ts';
import { describeStack } from './addresses.ts';
import { freePorts, freeStackPorts } from './ports.ts';
import { dropDatabase, withAdmin } from './servers/databases.ts';
import { makeRunDir } from './servers/folders.ts';
import { removePostgresData } from './servers/postgres.ts';
import { SERVICES } from './services.ts';
import { type Stack, type StackOptions, startStack } from './stack.ts';

const STAND_IN = join(import.meta.dirname, 'servers', 'fixtures', 'service.ts');
const mains = Object.fromEntries(
  ['operator', ...SERVICES.map(({ name }) => name)].map((name) => [name, STAND_IN]),
);

/** The stack of a test, stopped before its folder is removed. */
const running = new WeakMap<TestContext, Stack>();

async function makeOptions(t: TestContext): Promise<StackOptions> {
  const dataDir = await makeRunDir('stack');
  t.after(async () => {
    await running.get(t)?.stop();
    await removePostgresData(join(dataDir, 'postgres'));
    await rm(dataDir, { recursive: true });
  });
  return { dataDir, ports: await freeStackPorts(), mains };
}

async function start(t: TestContext, options: StackOptions): Promise<Stack> {
  const stack = await startStack(options);
  running.set(t, stack);
  return stack;
}

const settingsOf = async (url: string) =>
  (await (await fetch(url)).json()) as Record<string, string>;

test('every process gets its own database, its ports and the addresses of all services', async (t) => {
  const options = await makeOptions(t);
  const stack = await start(t, {
    ...options,
    replicas: 2,
    only: ['hiring', 'bonuses', 'operator'],
  });
  const { services, databases, operator, nats } = stack.addresses;

  const peers = Object.entries(services).map(
    ([name, replicas]) => `${name}=${replicas.map(({ grpc }) => grpc).join('|')}`,
  );
  const [, second] = services.hiring ?? [];
  const settings = await settingsOf(second?.http ?? '');
  assert.equal(settings.POSTGRES_URL, databases.hiring);
  assert.equal(settings.NATS_URL, nats);
  assert.equal(`127.0.0.1:${settings.PORT}`, second?.grpc);
  assert.equal(settings.INSTANCE, 'hiring-2');
  assert.equal(settings.PEERS, peers.join(','));
  assert.equal((await settingsOf(operator.http)).POSTGRES_URL, databases.relink);
  assert.match(databases.relink ?? '', /\/relink$/);
  assert.equal(stack.service('bonuses').length, 2);
  assert.equal(operator.http, `http://127.0.0.1:${options.ports.operator.http}`);

  const table = describeStack(stack.addresses);
  for (const address of [operator.grpc, nats, second?.grpc ?? '?'])
    assert.ok(table.includes(address));
  const rows = await withAdmin(
    stack.addresses.postgres,
    (sql) => sql`select datname from pg_database`,
  );
  const names = rows.map(({ datname }) => datname);
  for (const name of Object.keys(databases)) assert.ok(names.includes(name), name);
});

test('stop ends every process and frees the ports, and the data survives', async (t) => {
  const options = { ...(await makeOptions(t)), only: ['hiring', 'operator'] };
  const first = await startStack(options);
  const url = first.addresses.databases.hiring as string;
  await withAdmin(url, (sql) => sql`create table kept as select 1`);
  await Promise.all([first.stop(), first.stop()]);
  assert.deepEqual(
    first.programs.map(({ isRunning }) => isRunning),
    [false, false],
  );
  const second = await start(t, options);
  const kept = await withAdmin(
    second.addresses.databases.hiring as string,
    (sql) => sql`table kept`,
  );
  assert.equal(kept.length, 1);
});

test('running servers are used when given, and left running', async (t) => {
  const options = await makeOptions(t);
  const postgresUrl = await testPostgresUrl();
  const nats = await testNats(t);
  t.after(async () => {
    for (const name of ['hiring', 'relink']) await dropDatabase(postgresUrl, name);
  });
  const given = { ...options, postgresUrl, natsUrl: nats.url, only: ['hiring'] };
  const stack = await start(t, given);
  assert.deepEqual([stack.postgres, stack.nats], [undefined, undefined]);
  const settings = await settingsOf(stack.addresses.services.hiring?.[0]?.http ?? '');
  assert.equal(settings.NATS_URL, nats.url);
  await stack.stop();
  assert.ok(nats.isRunning);
});

test('one service gets settings of its own, and its first process an inspector', async (t) => {
  const options = await makeOptions(t);
  const [port] = (await freePorts(1)) as [number];
  const stack = await start(t, {
    ...options,
    replicas: 2,
    only: ['hiring', 'finance'],
    env: { RELINK_LOG_LEVEL: 'debug' },
    envOf: { hiring: { RELINK_FAILPOINTS: 'hang', RELINK_LOG_LEVEL: 'warn' } },
    inspect: { hiring: port },
  });
  const envOf = (name: string) => stack.service(name).map(({ env }) => env);
  for (const { RELINK_FAILPOINTS, RELINK_LOG_LEVEL } of envOf('hiring'))
    assert.deepEqual([RELINK_FAILPOINTS, RELINK_LOG_LEVEL], ['hang', 'warn']);
  for (const { RELINK_FAILPOINTS, RELINK_LOG_LEVEL } of envOf('finance'))
    assert.deepEqual([RELINK_FAILPOINTS, RELINK_LOG_LEVEL], [undefined, 'debug']);
  const targets = (await (await fetch(`http://127.0.0.1:${port}/json/list`)).json()) as unknown[];
  assert.equal(targets.length, 1);
  assert.match(
    describeStack(stack.addresses),
    new RegExp(`hiring +127.0.0.1:${port} +Node's insp`),
  );
  await Promise.all(stack.service('hiring').map((program) => program.kill()));
});

test('servers, services, operator and command line meet on an IPv6 address', async (t) => {
  const host = '::1';
  const hasIPv6 = await freePorts(1, host).then(
    () => true,
    () => false,
  );
  if (!hasIPv6) return t.skip('this machine has no IPv6');
  const { dataDir } = await makeOptions(t);
  const ports = await freeStackPorts(host);
  const stack = await start(t, { dataDir, ports, host, only: ['finance', 'operator'] });
  const { operator, services, postgres } = stack.addresses;
  assert.equal(operator.grpc, `[::1]:${ports.operator.grpc}`);
  assert.match(postgres, new RegExp(`@\\[::1\\]:${ports.postgres}/`));
  const ran = await relink(operator.grpc, 'topology', '--json');
  assert.deepEqual(
    JSON.parse(ran.stdout).services.map((one: { replicas: unknown }) => one.replicas),
    [[{ address: services.finance?.[0]?.grpc, up: true }]],
  );
  assert.ok(describeStack(stack.addresses).includes(`--operator '${operator.grpc}'`));
});

test('all taken ports are named before anything starts', async (t) => {
  const options = await makeOptions(t);
  const { ports } = options;
  for (const port of [ports.nats, ports.operator.grpc]) {
    const taken = createServer().listen(port, '127.0.0.1');
    await once(taken, 'listening');
    t.after(() => {
      taken.close();
    });
  }
  await assert.rejects(startStack(options), (error: Error) => {
    assert.match(error.message, new RegExp(`${ports.operator.grpc} \\(operator gRPC\\)`));
    assert.match(error.message, new RegExp(`${ports.nats} \\(NATS\\)`));
    return true;
  });
});

test('a service that cannot start stops the others and is reported', async (t) => {
  const options = await makeOptions(t);
  const missing = { ...options, mains: { ...mains, bonuses: '/nowhere/main.ts' } };
  await assert.rejects(startStack(missing), {
    code: 'start_failed',
    message: /bonuses-1 ended before it was ready/,
  });
  // All is free again: the same ports can be used.
  await start(t, { ...options, only: ['bonuses'] });
});
