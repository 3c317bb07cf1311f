import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createHealthServer } from './http.ts';
import { silentLog } from './log.ts';
import { Metrics } from './metrics.ts';
import { Readiness } from './readiness.ts';

const readinessOf = (checks = {}) =>
  new Readiness({ checks, log: silentLog, onChange: () => undefined });

test('readiness names the failing check, while health and metrics still respond', async () => {
  let isBroken = false;
  const metrics = new Metrics();
  metrics.counter('relink_seen_total', 'Seen').labels({}).inc();
  const checkPostgres = () => {
    if (isBroken) throw new Error('no connection');
  };
  const checks = { postgres: checkPostgres, nats: async () => true };
  const readiness = readinessOf(checks);
  const troubles = () => ({ 'COMM-010/hiring': '3 messages wait' });
  const server = createHealthServer({ host: '127.0.0.1', port: 0, metrics, readiness, troubles });
  await server.start();
  const get = (path: string) => fetch(`http://127.0.0.1:${server.port()}${path}`);
  assert.equal((await get('/readyz')).status, 200);
  isBroken = true;
  const notReady = await get('/readyz');
  assert.equal(notReady.status, 503);
  assert.deepEqual(await notReady.json(), {
    status: 'not ready',
    checks: { postgres: 'no connection', nats: 'ok' },
    troubles: { 'COMM-010/hiring': '3 messages wait' },
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
  const first = createHealthServer({
    host: '127.0.0.1',
    port: 0,
    metrics,
    readiness: readinessOf(),
  });
  await first.start();
  const second = createHealthServer({
    host: '127.0.0.1',
    port: first.port(),
    metrics,
    readiness: readinessOf(),
  });
  await assert.rejects(async () => second.start(), { code: 'EADDRINUSE' });
  await second.stop();
  await first.stop();
});
