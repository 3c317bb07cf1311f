import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CliError } from './errors.ts';
import { didYouMean, findSimilar, pickByPrefix, shortenIds, shortId } from './suggest.ts';

test('names that are near or contain the text are suggested, nearest first', () => {
  const links = ['COMM-010', 'COMM-020', 'OTHER'];
  assert.deepEqual(findSimilar('comm-010', links)[0], 'COMM-010');
  assert.deepEqual(findSimilar('bonus', ['bonuses', 'hiring']), ['bonuses']);
  assert.deepEqual(findSimilar('unrelated', links), []);
});

test('a suggestion reads as a question', () => {
  assert.equal(didYouMean([]), undefined);
  assert.equal(didYouMean(['a']), 'Did you mean a?');
  assert.equal(didYouMean(['a', 'b', 'c']), 'Did you mean a, b or c?');
});

test('an id is found by its beginning, whole ids first', () => {
  const ids = ['ab', 'abc', 'xyz'];
  assert.equal(pickByPrefix('ab', ids, 'run', ''), 'ab');
  assert.equal(pickByPrefix('X', ids, 'run', ''), 'xyz');
  assert.throws(() => pickByPrefix('a', ids, 'run', ''), CliError);
  assert.throws(() => pickByPrefix('q', ids, 'run', ''), /There is no run q/);
});

test('ids are shortened only as far as they stay different', () => {
  const ids = ['0199c0de-aaaa-1', '0199c0de-aabb-2', '77777777-1'];
  assert.deepEqual([...shortenIds(ids).values()], ['0199c0de-aaa', '0199c0de-aab', '77777777']);
});

test('a UUIDv7 is named by its time, any other id whole', () => {
  assert.equal(shortId('0199c0de-0000-7000-8000-000000000001'), '0199c0de-0000');
  assert.equal(shortId('run-7'), 'run-7');
});
