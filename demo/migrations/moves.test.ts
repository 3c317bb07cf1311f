import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEMO_MOVES, type LinkMove, reverseIfAlreadyThere, thereAndBack } from './moves.ts';

test('every movable link goes there, and then all come back in reverse order', () => {
  assert.deepEqual(
    DEMO_MOVES.map(({ link, from, to }) => `${link} ${from} ${to}`),
    [
      'COMM-010 sync async',
      'COMM-021 async sync',
      'COMM-020 async sync',
      'COMM-030 async sync',
      'COMM-040 sync async',
      'COMM-050 async sync',
      'COMM-060 async pull',
      'COMM-070 async sync',
    ],
  );
  const [first, second] = DEMO_MOVES as [LinkMove, LinkMove];
  assert.deepEqual(
    thereAndBack([first, second]).map(({ link, to }) => `${link} ${to}`),
    ['COMM-010 async', 'COMM-021 sync', 'COMM-021 async', 'COMM-010 sync'],
  );
});

test('a link that is already on its target goes the other way first', () => {
  const move: LinkMove = { link: 'COMM-010', from: 'sync', to: 'async' };
  assert.deepEqual(reverseIfAlreadyThere(move, new Set(['async'])), {
    link: 'COMM-010',
    from: 'async',
    to: 'sync',
  });
  assert.deepEqual(reverseIfAlreadyThere(move, new Set(['async', 'sync'])), move);
});
