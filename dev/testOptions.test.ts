import assert from 'node:assert/strict';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { makeRunDir, PROJECT_DIR } from './servers/folders.ts';
import { findTestFiles, LONGEST_FIRST, readTestOptions } from './testOptions.ts';

async function folderWith(t: TestContext, files: string[]): Promise<string> {
  const root = await makeRunDir('files');
  t.after(() => rm(root, { recursive: true }));
  for (const file of files) {
    await mkdir(dirname(join(root, file)), { recursive: true });
    await writeFile(join(root, file), '');
  }
  return root;
}

test('all test files run, but those of packages and long ones', async (t) => {
  const root = await folderWith(t, [
    'link/outbox.test.ts',
    'a.test.ts',
    'b.ts',
    'soak.long.ts',
    'years.size.ts',
    'node_modules/x/x.test.ts',
    '.relink/y.test.ts',
  ]);
  const find = (...args: string[]) => findTestFiles(root, readTestOptions(args));
  assert.deepEqual(find(), ['a.test.ts', 'link/outbox.test.ts']);
  assert.deepEqual(find('--long'), ['a.test.ts', 'link/outbox.test.ts', 'soak.long.ts']);
  assert.deepEqual(find('--size'), ['years.size.ts']);
  assert.deepEqual(find('link/out'), ['link/outbox.test.ts']);
  assert.deepEqual(find('./link/outbox.test.ts', 'a.test'), ['a.test.ts', 'link/outbox.test.ts']);
  assert.deepEqual(find('nowhere'), []);
});

test('the longest files begin before the others, which go by name', async (t) => {
  const [longest, next] = LONGEST_FIRST as [string, string];
  const root = await folderWith(t, ['b.test.ts', next, 'a.test.ts', longest]);
  const found = findTestFiles(root, readTestOptions([]));
  assert.deepEqual(found, [longest, next, 'a.test.ts', 'b.test.ts']);
});

test('each of the files that begin first exists', () => {
  const all = findTestFiles(PROJECT_DIR, readTestOptions(['--long']));
  assert.deepEqual(
    LONGEST_FIRST.filter((file) => !all.includes(file)),
    [],
  );
});

test('wrong options are refused by name', () => {
  assert.throws(() => readTestOptions(['--concurrency', '0']), /--concurrency/);
  assert.throws(() => readTestOptions(['--shuffle']), /--shuffle/);
  for (const scale of ['0', '-1', 'half', '11'])
    assert.throws(() => readTestOptions([`--scale=${scale}`]), /--scale takes/);
});

test('tests at size run one after another: two at once would measure each other', () => {
  assert.equal(readTestOptions(['--size']).concurrency, 1);
  assert.equal(readTestOptions(['--size', '--concurrency', '2']).concurrency, 2);
});
