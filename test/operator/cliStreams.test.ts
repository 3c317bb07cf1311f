import assert from 'node:assert/strict';
import { test } from 'node:test';
import { jsonOf, useFakeOperator } from '../rigs/fakeOperator/setting.ts';

const { operator, run } = useFakeOperator();
const FULL = {
  ...{ link: 'COMM-010', field: 'discard', wanted: 'new', found: 'old' },
  proposal: 'relink streams mend COMM-010',
};

test('streams that are as wanted are said to be, and exit 0', async () => {
  const ran = await run('streams', 'check');
  assert.equal(ran.exitCode, 0);
  assert.match(ran.stdout, /every stream is as its link wants it/);
});

test('streams check names field, found, wanted and the next command, and exits 7', async () => {
  operator.streamDifferences.push(FULL, { ...FULL, durable: 'hiring', field: 'ack_wait' });
  const ran = await run('streams', 'check', 'COMM-010');
  assert.equal(ran.exitCode, 7);
  assert.match(
    ran.stdout,
    /COMM-010 +discard +is old, should be new\n +relink streams mend COMM-010/,
  );
  assert.match(ran.stdout, /COMM-010 hiring +ack_wait/);
  const { differences } = jsonOf(await run('streams', 'check', '--json'));
  assert.deepEqual(differences[0], { ...FULL, durable: '', mended: false });
});

test('streams mend says what each field was and is, and exits 0 when nothing is left', async () => {
  operator.streamDifferences.push(FULL);
  const ran = await run('streams', 'mend', 'COMM-010', '--yes');
  assert.equal(ran.exitCode, 0);
  assert.match(ran.stdout, /COMM-010 +discard +was old, is new/);
});
