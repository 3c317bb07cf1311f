import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CERTIFICATE_ID } from '../rigs/fakeOperator/fakeOperator.ts';
import { jsonOf, useFakeOperator } from '../rigs/fakeOperator/setting.ts';

const { run } = useFakeOperator();

test('erasure check names places, counts, what was not searched and the next command, and exits 7', async () => {
  const ran = await run('erasure', 'check', 'COMM-010');
  assert.equal(ran.exitCode, 7);
  assert.match(
    ran.stdout,
    /COMM-010 +something is left of first_name of 2 entities, which v1 took/,
  );
  assert.match(
    ran.stdout,
    /hiring: relink\.dead_letters\.body +1,000 +3\n *stream COMM-010 +20 +0/,
  );
  assert.match(ran.stdout, /not searched:\n +logs: none/);
  assert.match(ran.stdout, /relink erasure check COMM-010 --erase/);
  const json = jsonOf(await run('erasure', 'check', 'COMM-010', '--json'));
  assert.deepEqual(json.searched[1], {
    ...{ place: 'hiring: relink.dead_letters.body', entries: 1_000, found: 3 },
  });
});

test('erasure check --erase says when nothing is left, and where the statement is', async () => {
  const ran = await run('erasure', 'check', 'COMM-010', '--erase', '--yes');
  assert.equal(ran.exitCode, 0);
  assert.match(ran.stdout, /nothing is left/);
  assert.match(ran.stdout, /relink certificate show 0199c0de/);
  const { certificate } = jsonOf(
    await run('erasure', 'check', 'COMM-010', '--erase', '--yes', '--json'),
  );
  assert.equal(certificate.id, CERTIFICATE_ID);
});
