import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TimeoutError } from '@nats-io/transport-node';
import { isConnectionLost } from '../runtime/postgresErrors.ts';
import { RpcCallError, RpcError, toStatus } from './errors.ts';
import { isTransient } from './transient.ts';

const ofDatabase = (code: string, severity = 'ERROR') =>
  Object.assign(new Error(code), { code, severity });
const ofCall = (code: RpcError['code']) =>
  new RpcCallError('a.v1.A/B', 'h:1', toStatus(new RpcError(code, code, 'so it is')));

test('a database, NATS or a service that cannot do it now is transient, also as a cause', () => {
  for (const code of ['25006', '53100', '53300', '55P03', '57014', '57P01', '40001', '40P01'])
    assert.ok(isTransient(ofDatabase(code)), code);
  for (const code of ['ECONNREFUSED', 'CONNECTION_CLOSED', 'CONNECT_TIMEOUT', '08006', '58030'])
    assert.ok(isTransient(new Error('wrapped', { cause: ofDatabase(code) })), code);
  assert.ok(isTransient(new TimeoutError()));
  assert.ok(isTransient(ofCall('UNAVAILABLE')));
});

test('a session that is refused or ended is lost, whatever the reason: a password that changes passes', () => {
  for (const code of ['28P01', '08P01', '3D000']) {
    assert.ok(isConnectionLost(ofDatabase(code, 'FATAL')), code);
    assert.ok(!isTransient(ofDatabase(code)), code);
  }
});

test("what is wrong with a statement or a request is not transient, and neither is a program's fault", () => {
  for (const code of ['22012', '23505', '42601', '42501', '22021', 'XX000'])
    assert.ok(!isTransient(ofDatabase(code)), code);
  assert.ok(!isTransient(ofCall('INVALID_ARGUMENT')));
  assert.ok(!isTransient(new TypeError('undefined is not a function')));
});
