import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { afterEach, test } from 'node:test';
import {
  armFailpoint,
  armFailpoints,
  declareFailpoints,
  disarmFailpoints,
  FailpointError,
  failpoint,
  failpointReached,
  failpointSync,
} from './failpoints.ts';

declareFailpoints('test.one', 'test.two');
afterEach(() => disarmFailpoints());

test('a failpoint that is not armed does nothing and is not awaited', () => {
  assert.equal(failpoint('test.one'), undefined);
  failpointSync('test.one');
});

test('a thrown failpoint fires at the n-th hit only', async () => {
  armFailpoints('test.one=throw@2');
  await failpoint('test.one');
  await failpoint('test.two');
  await assert.rejects(async () => failpoint('test.one'), { code: 'fired' });
  await failpoint('test.one');
});

test('a held failpoint signals that it was reached and goes on when released', async () => {
  const armed = armFailpoint('test.one', { do: 'hold' });
  const passing = Promise.resolve(failpoint('test.one')).then(() => 'passed');
  await failpointReached('test.one');
  assert.equal(await Promise.race([passing, Promise.resolve('held')]), 'held');
  armed.release();
  assert.equal(await passing, 'passed');
});

test('waiting for a point that nobody armed watches it', async () => {
  const reached = failpointReached('test.two');
  failpointSync('test.two');
  await reached;
});

test('an unknown name and a misspelt action are refused and arm nothing', () => {
  for (const [text, code] of [
    ['test.one=throw,test.onee=throw', 'unknown_name'],
    ['test.one=trow', 'bad_action'],
    ['test.one=pause', 'bad_action'],
    ['test.one', 'bad_action'],
  ]) {
    assert.throws(
      () => armFailpoints(text ?? ''),
      (error) => error instanceof FailpointError && error.code === code,
    );
  }
  failpointSync('test.one');
});

test('kill ends a process as SIGKILL does', () => {
  const script = `
    import { armFailpoints, declareFailpoints, failpoint } from ${JSON.stringify(
      new URL('./failpoints.ts', import.meta.url).href,
    )};
    declareFailpoints('child.window');
    armFailpoints('child.window=kill@2');
    await failpoint('child.window');
    process.stdout.write('first passed');
    await failpoint('child.window');
    process.stdout.write('second passed');`;
  const child = spawnSync(process.execPath, ['--input-type=module', '-e', script]);
  assert.equal(child.signal, 'SIGKILL');
  assert.equal(child.stdout.toString(), 'first passed');
});
