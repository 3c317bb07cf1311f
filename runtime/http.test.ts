import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createHealthServer } from './http.ts';
import { Metrics } from './metrics.ts';

test('readiness names the failing check, while health and metrics still respond', async () => {
  let isBroken = false;
  const metrics = new Metrics();
  metrics.counter('relink_seen_total', 'Seen').labels({}).inc();
  const checkPostgres = () => {
    if (isBroken) throw new Error('no connection');
  };
  const checks = { postgres: checkPostgres, nats: async () => true };
  const server = createHealthServer({ host: '127.0.0.1', port: 0, metrics, checks });
  await server.start();
  const get = (path: string) => fetch(`http://127.0.0.1:${server.port()}${path}`);
  assert.equal((await get('/readyz')).status, 200);
  isBroken = true;
  const notReady = await get('/readyz');
  assert.equal(notReady.status, 503);
  assert.deepEqual(await notReady.json(), {
    status: 'not ready',
    checks: { postgres: 'no connection', nats: 'ok' },
  });
  assert.equal((await get('/healthz')).status, 200);
  assert.match(await (await get('/metrics')).text(), /relink_seen_total 1/);
  assert.equal((await get('/secrets')).status, 404);
  await server.stop();
  await server.stop();
  await assert.rejects(get('/healthz'));
});

test('start fails when the port is taken', async () => {
  const metrics = new Metrics();
  const first = createHealthServer({ host: '127.0.0.1', port: 0, metrics });
  await first.start();
  const second = createHealthServer({ host: '127.0.0.1', port: first.port(), metrics });
  await assert.rejects(async () => second.start(), { code: 'EADDRINUSE' });
  await second.stop();
  await first.stop();
});
