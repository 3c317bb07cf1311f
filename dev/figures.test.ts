import assert from 'node:assert/strict';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { type Figure, isMet, readFigures, textOf } from './figures.ts';
import { makeRunDir } from './servers/folders.ts';

const memory: Figure = { name: 'memory', value: 212.4, unit: 'MB', bound: { atMost: 250 } };

test('a figure says whether it is within its bound, where it has one', () => {
  assert.equal(textOf(memory), 'memory: 212 MB (≤ 250: met)');
  assert.equal(textOf({ ...memory, value: 251 }), 'memory: 251 MB (≤ 250: missed)');
  const ratio: Figure = { name: 'ratio', value: 0.85, unit: '', bound: { atLeast: 0.9 } };
  assert.equal(textOf(ratio), 'ratio: 0.85 (≥ 0.9: missed)');
  assert.equal(
    textOf({ name: 'drained', value: 12_345, unit: 'events/s' }),
    'drained: 12,345 events/s',
  );
  assert.equal(isMet({ name: 'drained', value: 1, unit: '' }), true);
});

test('figures are read as tests noted them, and none where no test did', async (t) => {
  const dir = await makeRunDir('figures');
  t.after(() => rm(dir, { recursive: true }));
  const file = join(dir, 'figures');
  assert.deepEqual(await readFigures(file), []);
  await writeFile(file, `${JSON.stringify(memory)}\n`);
  assert.deepEqual(await readFigures(file), [memory]);
});
