import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  addRun,
  jsonOf,
  LETTER_ID,
  RUN_ID,
  useFakeOperator,
} from '../rigs/fakeOperator/setting.ts';

const { operator, run } = useFakeOperator();

test('links as ndjson prints one link a line', async () => {
  const { stdout } = await run('links', '--output', 'ndjson');
  const lines = stdout.trimEnd().split('\n');
  assert.deepEqual(
    lines.map((line) => JSON.parse(line).id),
    ['COMM-010', 'COMM-040'],
  );
});

test('links as text shows each leg and its route without colours', async () => {
  const { stdout } = await run('links');
  assert.match(stdout, /COMM-010 +formal +assessments +hiring +async v0 4\/16 +1,204/);
  assert.match(stdout, /! COMM-010 hiring: listens on the stream/);
  assert.ok(!stdout.includes('\u001b'));
});

test('status --json has the documented shape, with null for what has not come', async () => {
  const status = addRun(operator);
  operator.change(status, {}, { preflight: 'done', prepare: 'running' });
  const ran = await run('status', RUN_ID, '--json');
  const shape = jsonOf(ran);
  assert.equal(ran.exitCode, 0);
  assert.deepEqual(Object.keys(shape), ['run', 'steps', 'waiting']);
  const { id, link, consumer, from, to, state, way_back, ended_at } = shape.run;
  assert.deepEqual([id, link, consumer, from, to], [RUN_ID, 'COMM-010', '', 'sync', 'async']);
  assert.deepEqual([state, way_back, ended_at], ['running', 'keep', null]);
  assert.equal(shape.waiting, null);
  assert.equal(shape.steps[1].state, 'running');
  assert.equal(shape.steps[1].ended_at, null);
  assert.deepEqual(shape.steps[0].evidence, []);
});

test('status says which step, what it waits for, what is next and how to undo', async () => {
  const status = addRun(operator);
  const since = new Date(Date.now() - 12_000).toISOString();
  const waiting = { gate: 'copies equal', value: '1,204', threshold: 'at least 2,000', since };
  operator.change(status, { waiting }, { preflight: 'done', prepare: 'done', shadow: 'running' });
  const { stdout } = await run('status', 'last');
  assert.match(stdout, /now +Carry copies on the new path and compare them since \d+ s/);
  assert.match(stdout, /waits for +copies equal: 1,204, needs at least 2,000, since 1\d s/);
  assert.match(stdout, /next +Route all lanes by events/);
  assert.match(stdout, /undo +relink rollback 0199c0de-0000\n +copies stop/);
});

test('a run is found by a beginning of its id, and two that fit are refused', async () => {
  addRun(operator, 'rolled_back');
  addRun(operator, 'running', '0199c0ff-0000-7000-8000-000000000002');
  assert.equal((await run('status', '0199c0d')).exitCode, 0);
  const both = await run('status', '0199');
  assert.equal(both.exitCode, 2);
  assert.match(both.stderr, /0199 is the prefix of 2 run ids/);
});

for (const [args, hint] of [
  [['statsu'], /Did you mean status\?/],
  [['links', '--jsn'], /Did you mean --json\?/],
  [['link', 'COMM-011'], /Did you mean COMM-010/],
  [['plan', 'COM-010', '--to', 'async'], /Did you mean COMM-010/],
  [['runs', '--link', 'COMM-011'], /There is no link COMM-011. Did you mean COMM-010/],
  [['certificate', 'list', '--link', 'comm-010'], /Did you mean COMM-010/],
  [['certificate', 'list', '--run', LETTER_ID], /run/],
  [['dead-letters', 'list', '--link', 'COMM-011'], /Did you mean COMM-010/],
  [['dead-letters', 'redrive', '--link', 'COMM-011', '--dry-run'], /Did you mean COMM-010/],
  [['parked', 'list', '--link', 'COMM-011'], /Did you mean COMM-010/],
  [['reconcile', '--consumer', 'hirng'], /No link has a consumer hirng. Did you mean hiring/],
  [['plan', 'COMM-010', '--to', 'asinc'], /Did you mean async\?/],
  [['status', '0199c0dd'], /There is no run 0199c0dd/],
  [['start', 'COMM-010', '--to', 'async'], /--way-back/],
  [
    ['contracts', 'diff', 'ManagerCreatd.v0', 'ManagerUpdated.v0'],
    /Did you mean ManagerCreated.v0/,
  ],
  [['links', '--operator', 'nowhere'], /--operator must be host:port/],
  [['dead-letters', 'discard', LETTER_ID], /--reason/],
] as const) {
  test(`relink ${args.join(' ')} is a usage error that says what was meant`, async () => {
    const ran = await run(...args);
    assert.match(ran.stderr, hint);
    assert.equal(ran.exitCode, 2);
    assert.equal(ran.stdout, '');
  });
}

test('status tells whether it could look, with --exit-code also the state', async () => {
  addRun(operator, 'rolled_back');
  assert.equal((await run('status', 'last')).exitCode, 0);
  assert.equal((await run('status', 'last', '--exit-code')).exitCode, 5);
});

test('the topology as mermaid draws calls solid', async () => {
  const { stdout } = await run('topology', '--format', 'mermaid');
  assert.match(stdout, /^flowchart LR\n/);
  assert.match(stdout, /s_hiring -->\|"COMM-040<br\/>sync v0"\| s_bonuses/);
});
