import assert from 'node:assert/strict';
import { test } from 'node:test';
import { jsonOf, useFakeOperator } from '../rigs/fakeOperator/setting.ts';

const { operator, run } = useFakeOperator();
const ID = '0199c0de-0000-7000-8000-00000000e001';

/** A message of version 4 whose key is at 1. */
function addParked(deadLetters: string[] = []): void {
  operator.parked.push({
    ...{ id: ID, link: 'COMM-040', consumer: 'bonuses', eventName: 'SolutionRevoked', key: 'k' },
    ...{ entityVersion: 4n, position: 1n, missing: [2n, 3n], deadLetters, epoch: 5n },
    ...{ parkedAt: new Date().toISOString(), source: 'hiring', body: '{"a":1}' },
  });
}

test('parked messages are listed with what they wait for', async () => {
  addParked();
  const listed = jsonOf(await run('parked', 'list', '--link', 'COMM-040', '--json'));
  assert.equal(listed.total, 1);
  assert.deepEqual(listed.parked[0].missing, [2, 3]);
  const { stdout } = await run('parked', 'list');
  assert.match(stdout, /0199c0de +COMM-040 +bonuses +k +4 +2, 3/);
  assert.match((await run('parked', 'list', '--link', 'COMM-010')).stdout, /Nothing is parked/);
});

test('a parked message is shown with its body and what to do', async () => {
  addParked();
  const ran = await run('parked', 'show', '0199c0de');
  assert.match(ran.stdout, /the key is at version 1/);
  assert.match(ran.stdout, /missing +2, 3/);
  assert.match(ran.stdout, /"a": 1/);
  assert.match(ran.stdout, new RegExp(`relink parked skip ${ID} --reason TEXT`));
  operator.parked.length = 0;
  addParked(['0199c0de-0000-7000-8000-00000000d001']);
  assert.match((await run('parked', 'show', ID)).stdout, /relink dead-letters show 0199c0de/);
});

test('skip names the position that was seen, keeps the reason, and says what was skipped', async () => {
  addParked();
  assert.equal((await run('parked', 'skip', ID)).exitCode, 2, 'a reason is needed');
  const ran = await run('parked', 'skip', ID, '--reason', 'lost in the fail-over', '--json');
  assert.equal(ran.exitCode, 0);
  const skipped = { id: ID, link: 'COMM-040', key: 'k', from_version: 2, through_version: 3 };
  assert.deepEqual(jsonOf(ran), skipped);
  const asked = operator.lastCall<{ position: bigint; reason: string; evenIfOpen: boolean }>(
    'skip',
  );
  assert.equal(asked!.position, 1n);
  assert.equal(asked!.reason, 'lost in the fail-over');
  assert.equal(asked!.evenIfOpen, false);
});
