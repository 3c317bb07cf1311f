import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RpcCallError } from '../../rpc/client.ts';
import { RpcError, toStatus } from '../../rpc/errors.ts';
import { explainError } from './errors.ts';

/** What a client sees of an error that a server threw. */
function received(reason: string, message = 'so it is', field = 'settings.soak'): RpcCallError {
  const fields = [{ field, description: 'is not known' }];
  const status = toStatus(new RpcError('FAILED_PRECONDITION', reason, message, { fields }));
  return new RpcCallError('relink.v1.Operator/Start', '127.0.0.1:1', status, status.metadata);
}

for (const [reason, exitCode] of [
  ['FIELDS_INVALID', 2],
  ['LINK_UNKNOWN', 2],
  ['CONFIRMATION_WRONG', 2],
  ['LINK_BUSY', 6],
  ['RUN_STATE', 1],
  ['LINK_NOT_MOVABLE', 1],
  ['INTERNAL', 1],
] as const) {
  test(`the reason ${reason} ends with ${exitCode}`, () => {
    assert.equal(explainError(received(reason), '').exitCode, exitCode);
  });
}

test('a move that does not say how its way back works lacks an argument', () => {
  const error = received('LINK_NOT_MOVABLE', 'names would be lost', 'way_back');
  assert.equal(explainError(error, '').exitCode, 2);
});

test('the operator is quoted in its own words, with the fields that are wrong', () => {
  const { message, details } = explainError(received('FIELDS_INVALID', 'a setting is wrong'), '');
  assert.equal(message, 'A setting is wrong.');
  assert.deepEqual(details, ['settings.soak: is not known']);
});

test('an error of the transport names the address and what to do', () => {
  const lost = { code: 14, details: 'No connection established' };
  const error = explainError(new RpcCallError('m', 'h:1', lost), 'h:1');
  assert.equal(error.message, 'No operator answers at h:1.');
  assert.match(error.next[0]!, /npm start/);
});
