import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { AssessmentsService } from '../../gen/assessments/v1/assessments_service_pb.ts';
import { RpcError } from '../../link/rpc/errors.ts';
import type { Handlers } from '../../link/rpc/handlers.ts';
import { createRpcServer, serve } from '../../link/rpc/server.ts';
import { until } from '../../test/harness/until.ts';
import { Caller } from './caller.ts';
import { fill } from './fill.ts';
import { Told } from './told.ts';
import { Traffic } from './traffic.ts';

type Register = Handlers<typeof AssessmentsService>['registerManager'];

const lost = () => new RpcError('UNAVAILABLE', 'UNAVAILABLE', 'the answer was lost');
const deliveries = [
  { link: 'COMM-010', consumer: 'hiring', state: 'applied' },
  { link: 'COMM-010', consumer: 'bonuses', state: 'pending' },
];
const register: Register = ({ managerId, firstName, lastName }) => ({
  manager: { managerId: managerId ?? '', firstName, lastName, version: 1n },
  deliveries,
});

/** One replica of assessments over real gRPC, with answers of the test's choice. */
async function replica(
  t: TestContext,
  handlers: Partial<Handlers<typeof AssessmentsService>>,
): Promise<string> {
  const never = () => assert.fail('nobody should call this');
  const refusing = AssessmentsService.methods.map(({ localName }) => [localName, never]);
  const all = { ...Object.fromEntries(refusing), ...handlers };
  const services = [serve(AssessmentsService, all)];
  const server = createRpcServer({ host: '127.0.0.1', port: 0, services });
  await server.start();
  t.after(() => server.stop());
  return `127.0.0.1:${server.port()}`;
}

function caller(t: TestContext, addresses: string[], told = new Told()): Caller {
  const made = new Caller({ addresses, connections: 1, told });
  t.after(() => made.close());
  return made;
}

test('a registration whose answer is lost is repeated with the same id', async (t) => {
  const ids: string[] = [];
  const failing = await replica(t, {
    registerManager: ({ managerId }) => {
      ids.push(managerId ?? '');
      throw lost();
    },
  });
  const answering = await replica(t, {
    registerManager: (request, context) => {
      ids.push(request.managerId ?? '');
      return register(request, context);
    },
  });
  const told = new Told();
  const result = await caller(t, [failing, answering], told).register();
  assert.ok(result.isAcknowledged);
  assert.equal(new Set(ids).size, 1);
  assert.deepEqual([ids.length, result.tries], [2, 2]);
  assert.deepEqual(result.deliveries, ['applied', 'pending']);
  assert.deepEqual([told.count, told.acknowledged], [1, 1]);
  assert.equal(told.managers()[0]?.unknown, 0);
});

test('a registration that never gets an answer fails and leaves its outcome unknown', async (t) => {
  const registerManager = () => {
    throw lost();
  };
  const told = new Told();
  const result = await caller(t, [await replica(t, { registerManager })], told).register();
  assert.deepEqual([result.isAcknowledged, result.tries], [false, 3]);
  assert.equal(told.count, 0);
  assert.deepEqual(
    told.managers().map(({ version, acknowledged, unknown }) => [version, acknowledged, unknown]),
    [[0n, 0, 1]],
  );
});

test('a rename whose answer is lost is not repeated', async (t) => {
  let calls = 0;
  const updateManager = () => {
    calls += 1;
    throw lost();
  };
  const told = new Told();
  const id = '0199b0de-0000-7000-8000-000000000001';
  told.acknowledge(id, 1n, { firstName: 'Ada', lastName: 'Lovelace' });
  const result = await caller(t, [await replica(t, { updateManager })], told).rename(id);
  assert.deepEqual([result.isAcknowledged, calls], [false, 1]);
  assert.equal(told.managers()[0]?.unknown, 1);
});

test('a refused rename changed nothing, and its outcome is known', async (t) => {
  const updateManager = () => {
    throw new RpcError('NOT_FOUND', 'ID_UNKNOWN', 'no such manager');
  };
  const told = new Told();
  const made = caller(t, [await replica(t, { updateManager })], told);
  assert.equal((await made.rename('0199b0de-0000-7000-8000-000000000001')).isAcknowledged, false);
  assert.deepEqual(told.managers(), []);
});

test('the newest version that was told counts, whichever answer came last', () => {
  const told = new Told();
  told.acknowledge('a', 3n, { firstName: 'C', lastName: '3' });
  told.acknowledge('a', 2n, { firstName: 'B', lastName: '2' });
  assert.deepEqual(told.managers(), [
    {
      id: 'a',
      version: 3n,
      names: { firstName: 'C', lastName: '3' },
      acknowledged: 2,
      unknown: 0,
    },
  ]);
  assert.equal(told.count, 1);
});

test('requests go out by the clock, not by the answers, and all are counted', async (t) => {
  let arrived = 0;
  const gate = Promise.withResolvers<void>();
  const registerManager: Register = async (request, context) => {
    arrived += 1;
    await gate.promise;
    return register(request, context);
  };
  const address = await replica(t, { registerManager });
  const traffic = new Traffic({ addresses: [address], ratePerSecond: 200 });
  t.after(() => {
    gate.resolve();
    return traffic.close();
  });
  const window = traffic.latencies.openWindow();
  traffic.start();
  // A closed loop would wait for its first answers and never send this many.
  await until(() => arrived >= 20, { what: '20 requests without one answer' });
  const stopped = traffic.stop();
  gate.resolve();
  await stopped;
  const { requests, registrations, failed, shed, applied, pending } = traffic.counts;
  assert.deepEqual([requests, failed, shed], [arrived, 0, 0]);
  assert.deepEqual([registrations, applied, pending], [arrived, arrived, arrived]);
  assert.equal(traffic.told.acknowledged, arrived);
  // The first was due at least nineteen requests of 5 ms before the gate opened.
  const { count, maxMs } = window.close();
  assert.equal(count, arrived);
  assert.ok(maxMs >= 90, `${maxMs} ms`);
});

test('failed requests are counted with their errors', async (t) => {
  const registerManager = () => {
    throw new RpcError('ALREADY_EXISTS', 'ID_TAKEN', 'too many requests');
  };
  const address = await replica(t, { registerManager });
  const traffic = new Traffic({ addresses: [address], ratePerSecond: 500 });
  t.after(() => traffic.close());
  traffic.start();
  await until(() => traffic.counts.failed >= 5, { what: 'five failed requests' });
  await traffic.stop();
  const { requests, failed } = traffic.counts;
  assert.equal(failed, requests);
  assert.deepEqual(
    traffic.errors.map(([message, count]) => [message.split(' ')[0], count]),
    [['ALREADY_EXISTS', failed]],
  );
});

test('filling registers exactly as many managers as asked for, whatever fails in between', async (t) => {
  let calls = 0;
  const registerManager: Register = (request, context) => {
    calls += 1;
    if (calls % 10 === 0) throw new RpcError('ALREADY_EXISTS', 'ID_TAKEN', 'later');
    return register(request, context);
  };
  const told = new Told();
  const made = caller(t, [await replica(t, { registerManager })], told);
  let reported = 0;
  const onProgress = (done: number) => {
    reported = Math.max(reported, done);
  };
  assert.equal(await fill({ caller: made, managers: 300, onProgress }), 300);
  assert.deepEqual([told.count, reported], [300, 300]);
});

test('filling gives up when every registration is refused', async (t) => {
  const registerManager = () => {
    throw new RpcError('ALREADY_EXISTS', 'ID_TAKEN', 'never');
  };
  const made = caller(t, [await replica(t, { registerManager })]);
  await assert.rejects(fill({ caller: made, managers: 100 }), { code: 'ALREADY_EXISTS' });
});
