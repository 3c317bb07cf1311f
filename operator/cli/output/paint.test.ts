import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cleanText, cutTo, widthOf, wrapText } from './paint.ts';

test('text of a server cannot write to the terminal by itself', () => {
  assert.equal(cleanText('a\u001b[2Jb\u0007c\u202ed\ne'), 'abcd\ne');
});

test('a cut line is as wide as asked and keeps its colours whole', () => {
  const painted = '\u001b[31mlong text\u001b[39m';
  assert.equal(widthOf(cutTo(painted, 5)), 5);
  assert.equal(cutTo(painted, 5), '\u001b[31mlong…\u001b[39m');
  assert.equal(cutTo('short', 5), 'short');
});

test('text breaks at spaces, a long word stays whole', () => {
  assert.deepEqual(wrapText('one two three\nfour', 7), ['one two', 'three', 'four']);
  assert.deepEqual(wrapText('unbreakable it is', 5), ['unbreakable', 'it is']);
});
