import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { type Format, Output } from './output.ts';
import { createProgress } from './progress.ts';

for (const format of ['text', 'ndjson'] satisfies Format[]) {
  test(`${format}: an operator that stays away is said once, and once that it is back`, () => {
    const [stdout, stderr] = [new PassThrough(), new PassThrough()];
    const progress = createProgress(new Output(format, { stdout, stderr }, false));
    const told = ['here', 'away', 'away', 'away', 'here', 'here', 'away'] as const;
    for (const state of told) progress.contact(state, 'there:1');
    progress.end();
    assert.deepEqual(stderr.read().toString().trimEnd().split('\n'), [
      'The operator at there:1 does not answer; retrying.',
      'The operator at there:1 answers again.',
      'The operator at there:1 does not answer; retrying.',
    ]);
    assert.equal(stdout.read(), null);
  });
}
