import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { findLogs, requireLogs } from './logFiles.ts';

test('a glob names files, not folders, and one that names none is refused before the run', async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'relink-logs-'));
  t.after(() => rm(dir, { recursive: true }));
  await mkdir(join(dir, 'old.log'));
  const wrong = {
    code: 'REQUEST_INVALID',
    message: /settings\.log_files: no file on the operator/,
  };
  await assert.rejects(requireLogs(join(dir, '*.log')), wrong);
  await writeFile(join(dir, 'hiring.log'), 'a line');
  await requireLogs(join(dir, '*.log'));
  await requireLogs('');
  const files: string[] = [];
  for await (const file of findLogs(join(dir, '*'))) files.push(file);
  assert.deepEqual(files, [join(dir, 'hiring.log')]);
});
