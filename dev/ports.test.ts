import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { freePorts, freeStackPorts, isPortFree, namedPorts, portsFrom } from './ports.ts';

test('the documented ports follow from the base 7070', () => {
  const ports = portsFrom();
  assert.deepEqual(ports.operator, { http: 8070, grpc: 7071 });
  assert.deepEqual(ports.services.assessments, { grpc: 7101, http: 8101 });
  assert.deepEqual(ports.services.hiring, { grpc: 7102, http: 8102 });
  assert.deepEqual(ports.services.bonuses, { grpc: 7104, http: 8104 });
  assert.deepEqual([ports.postgres, ports.nats, ports.natsMonitor], [7132, 7142, 7143]);
});

test('another base moves every port by the same offset', () => {
  const moved = namedPorts(portsFrom(9070)).map(({ port }) => port - 2000);
  assert.deepEqual(
    moved,
    namedPorts(portsFrom()).map(({ port }) => port),
  );
});

test('a base that leaves no room is refused', () => {
  for (const base of [80, 65_000, 7070.5, Number.NaN]) {
    assert.throws(() => portsFrom(base), RangeError, String(base));
  }
});

test('free ports can be listened on, and none is given twice', async () => {
  const ports = [...(await freePorts(20)), ...(await freePorts(20))];
  assert.equal(new Set(ports).size, 40);
  for (const port of ports) assert.ok(await isPortFree(port));
  assert.ok(ports.every((port) => port < 32_768));
});

test('a port somebody listens on is not free', async (t) => {
  const server = createServer().listen(0, '127.0.0.1');
  t.after(() => {
    server.close();
  });
  await once(server, 'listening');
  assert.equal(await isPortFree((server.address() as { port: number }).port), false);
});

test('a host that is no address of this machine is named, instead of taken ports', async () => {
  for (const host of ['192.0.2.1', '[::1]'])
    await assert.rejects(freePorts(1, host), {
      code: 'host_unusable',
      message: /listen on (192\.0\.2\.1|\[::1\]) .*RELINK_HOST.*::1/,
    });
});

test('a stack gets as many different ports as it has listeners', async () => {
  const ports = namedPorts(await freeStackPorts()).map(({ port }) => port);
  assert.equal(new Set(ports).size, ports.length);
});
