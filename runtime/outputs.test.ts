import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { openSync } from 'node:fs';
import { test } from 'node:test';

const FULL = '/dev/full';
const skip = process.platform !== 'linux' && `only Linux has ${FULL}`;
const OUTPUTS = JSON.stringify(new URL('./outputs.ts', import.meta.url).href);

/** A process that says something on both outputs, goes on, and ends with this code. */
function run(exitCode: number, stdout: number | 'pipe', stderr: number | 'pipe') {
  const script = `
    import { outliveReaders } from ${OUTPUTS};
    outliveReaders();
    process.stdout.write('out ');
    process.stderr.write('err ');
    setTimeout(() => {
      process.stdout.write('end');
      process.exitCode = ${exitCode};
    }, 1);`;
  const args = ['--input-type=module', '-e', script];
  return spawnSync(process.execPath, args, {
    stdio: ['ignore', stdout, stderr],
    encoding: 'utf8',
  });
}

test('output that a full disk did not take is reported once, and is no success', { skip }, () => {
  const { status, stderr } = run(0, openSync(FULL, 'w'), 'pipe');
  assert.match(stderr, /^err standard output is incomplete: ENOSPC[^\n]*\n$/);
  assert.equal(status, 1);
  assert.equal(run(7, openSync(FULL, 'w'), 'pipe').status, 7);
});

test('progress and errors that a full disk did not take change nothing', { skip }, () => {
  const { status, stdout } = run(0, 'pipe', openSync(FULL, 'w'));
  assert.deepEqual([status, stdout], [0, 'out end']);
});
