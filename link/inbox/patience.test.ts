import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RpcCallError, RpcError, toStatus } from '../../rpc/errors.ts';
import { Patience } from './patience.ts';

const ofDatabase = (code: string) => Object.assign(new Error(code), { code });
const ofOwner = (code: RpcError['code']) =>
  new RpcCallError('a.v1.A/B', 'h:1', toStatus(new RpcError(code, code, 'so it is')));

test('what a deployment lacks is borne, also of a service that was asked; what a message says wrong is not', () => {
  const patience = new Patience();
  for (const code of ['42P01', '42703', '42501', '3F000'])
    assert.ok(patience.bears(ofDatabase(code)), code);
  assert.ok(patience.bears(ofOwner('INTERNAL')));
  for (const error of [ofDatabase('22012'), ofDatabase('23505'), ofOwner('INVALID_ARGUMENT')])
    assert.ok(!patience.bears(error), String(error));
  assert.ok(!patience.bears(new TypeError('undefined is not a function')));
});

test('it is borne for ten minutes, and again when it was away for a minute', () => {
  const clock = { ms: 0 };
  const patience = new Patience(() => clock.ms);
  const bears = (afterMs: number) => {
    clock.ms += afterMs;
    return patience.bears(ofDatabase('42P01'));
  };
  assert.ok(bears(0));
  for (let minute = 1; minute < 10; minute += 1) assert.ok(bears(60_000));
  assert.ok(!bears(60_000));
  assert.ok(!bears(1_000));
  assert.ok(bears(61_000));
});
