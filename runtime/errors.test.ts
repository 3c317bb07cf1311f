import assert from 'node:assert/strict';
import { test } from 'node:test';
import { messageOf, toError } from './errors.ts';

test('an error stays itself', () => {
  const error = new TypeError('wrong type');
  assert.equal(toError(error), error);
});

test('a thrown value that is not an error becomes one that says what was thrown', () => {
  const circular: Record<string, unknown> = {};
  circular.self = circular;
  assert.deepEqual(['stopped', undefined, null, 7, { code: 'X' }, circular].map(messageOf), [
    'stopped',
    'not an error: undefined',
    'not an error: null',
    'not an error: 7',
    'not an error: {"code":"X"}',
    'not an error: [object Object]',
  ]);
});

test('an error without a message is described by its name, an aggregate by its parts', () => {
  assert.equal(messageOf(new RangeError()), 'RangeError');
  assert.equal(messageOf(new AggregateError([new Error('one'), 'two'])), 'one; two');
});
