import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { changed, readRecipe } from './recipe.ts';

describe('a recipe', () => {
  it('is read as files, changes and commands, in their order', () => {
    const page = [
      ...['Text', '```ts a/b.ts', 'one', '```', '```sh', 'npm i', 'npm t', '```'],
      ...['```diff c.ts', ' x', '+y', '```', ''],
    ].join('\n');
    assert.deepEqual(readRecipe(page), [
      { does: 'write', path: 'a/b.ts', text: 'one\n' },
      { does: 'run', command: 'npm i' },
      { does: 'run', command: 'npm t' },
      { does: 'change', path: 'c.ts', text: ' x\n+y\n' },
    ]);
  });

  it('says what a command is refused with', () => {
    const page = ['```sh refused', 'node a.ts', '```', 'so:', '```text', 'no', '```', ''].join(
      '\n',
    );
    assert.deepEqual(readRecipe(page), [{ does: 'refuse', command: 'node a.ts', says: 'no' }]);
    assert.throws(() => readRecipe('```sh refused\nnode a.ts\n```\n'), /stands below it/);
  });

  it('changes exactly what it shows, at the beginning of a file as well', () => {
    assert.equal(changed('a\nb\nc\n', ' a\n-b\n+B\n+C\n', 'f'), 'a\nB\nC\nc\n');
    assert.equal(changed('a\nb\n', '+0\n a\n', 'f'), '0\na\nb\n');
  });

  it('is refused where the project no longer is as it shows', () => {
    assert.throws(() => changed('a\n', ' b\n+c\n', 'f.ts'), /f\.ts has this once/);
    assert.throws(() => changed('a\na\n', ' a\n+c\n', 'f.ts'), /f\.ts has this once/);
  });
});
