import assert from 'node:assert/strict';
import { test } from 'node:test';
import { VERSION_MOVES } from './migrations/moves.ts';
import { readDemoOptions } from './options.ts';

test('options have defaults and limits, and know the links', () => {
  const { ratePerSecond, seconds, managers, moves, versionMoves } = readDemoOptions([]);
  assert.deepEqual([ratePerSecond, seconds, managers, moves.length], [60, 3, 400, 8]);
  assert.equal(versionMoves.length, VERSION_MOVES.length);
  const versions = readDemoOptions(['--only', 'COMM-040']).versionMoves;
  assert.deepEqual(versions, [{ link: 'COMM-040', from: 'v0', to: 'v1' }]);
  const only = (...args: string[]) => readDemoOptions(args).moves.map(({ link }) => link);
  assert.deepEqual(only('--only', 'comm-010'), ['COMM-010']);
  assert.deepEqual(only('--only', 'COMM-060,COMM-010', '--only', 'COMM-021'), [
    'COMM-010',
    'COMM-021',
    'COMM-060',
  ]);
  assert.throws(() => readDemoOptions(['--only', 'COMM-080']), /some of COMM-010.*COMM-080/);
  assert.throws(() => readDemoOptions(['--rate', '0']), /from 1 to/);
  assert.throws(() => readDemoOptions(['--managers', '']), /whole number/);
  assert.throws(() => readDemoOptions(['--rates', '5']), /--rates/);
});
