import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from './until.ts';

test('until returns the first truthy answer', async () => {
  let looks = 0;
  const answer = await until(() => (++looks === 3 ? 'third' : ''), { what: 'the third look' });
  assert.equal(answer, 'third');
});

test('until says what it waited for, how long, and the last answer', async () => {
  await assert.rejects(
    until(() => 0, { withinMs: 20, what: 'a number' }),
    {
      message: 'not within 20 ms: a number (last: 0)',
    },
  );
});

test('until goes on after an error and keeps the last one as cause', async () => {
  const failing = until(() => Promise.reject(new Error('not yet')), { withinMs: 20, what: 'it' });
  await assert.rejects(failing, (error: Error) => {
    assert.match(error.message, /not yet/);
    return (error.cause as Error).message === 'not yet';
  });
});
