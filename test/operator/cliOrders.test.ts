import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import { create } from '@bufbuild/protobuf';
import { RunStepSchema } from '../../gen/relink/v1/operator_pb.ts';
import { Relink } from '../rigs/cli.ts';
import { addRun, jsonOf, RUN_ID, useFakeOperator } from '../rigs/fakeOperator/setting.ts';

const { operator, run } = useFakeOperator();

test('start passes what was asked for on to the operator', async () => {
  const ran = await run(
    ...['start', 'COMM-010', '--to', 'async', '--way-back', 'none', '--consumer', 'hiring'],
    ...['--step', '--no-hold', '--detach', '--set', 'soak_seconds=5', 'on_fail=pause', '--json'],
  );
  assert.equal(ran.exitCode, 0);
  assert.equal(jsonOf(ran).run.state, 'running');
  const { actor, ...request } = operator.lastCall<Record<string, unknown>>('start')!;
  assert.ok(actor);
  assert.deepEqual(request, {
    ...{ $typeName: 'relink.v1.StartRequest', link: 'COMM-010', to: 'async', consumer: 'hiring' },
    ...{ wayBack: 'none', step: true, noHold: true },
    settings: { soak_seconds: '5', on_fail: 'pause' },
  });
});

for (const [state, exitCode] of [
  ['completed', 0],
  ['failed', 1],
  ['paused', 3],
  ['rolled_back', 5],
] as const) {
  test(`start ends with ${exitCode} when the run is ${state}`, async () => {
    operator.onOrder = (_, status) => operator.change(status, { run: { state } });
    const ran = await run('start', 'COMM-010', '--to', 'async', '--way-back', 'keep', '--json');
    assert.equal(ran.exitCode, exitCode);
    assert.equal(jsonOf(ran).run.state, state);
  });
}

test('a second run on a link exits 6 and names the run that holds it', async () => {
  addRun(operator);
  const ran = await run('start', 'COMM-010', '--to', 'async', '--way-back', 'keep');
  assert.equal(ran.exitCode, 6);
  assert.match(ran.stderr, new RegExp(`Run ${RUN_ID} holds COMM-010`));
});

test('a run that ends because the contract does not fit exits 4', async () => {
  operator.onOrder = (_, status) => {
    const contract = { name: 'contract', title: 'The event contract fits', state: 'undone' };
    const evidence = [{ what: 'contract v0 at hiring', verdict: 'fail', value: 'no field x' }];
    status.steps.push(create(RunStepSchema, { ...contract, evidence }));
    operator.change(status, { run: { state: 'rolled_back' } });
  };
  const ran = await run('start', 'COMM-010', '--to', 'async', '--way-back', 'keep');
  assert.equal(ran.exitCode, 4);
});

test('approve, pause and resume show the run as it is then and exit 0', async () => {
  addRun(operator, 'waiting');
  const states: Record<string, string> = { approve: 'running', pause: 'paused', resume: 'running' };
  operator.onOrder = (order, status) => operator.change(status, { run: { state: states[order]! } });
  for (const [command, state] of Object.entries(states)) {
    const ran = await run(command, 'last', '--json');
    assert.equal(ran.exitCode, 0);
    assert.equal(jsonOf(ran).run.state, state);
  }
});

test('rollback follows until the old route is back and exits 0', async () => {
  addRun(operator);
  operator.onOrder = (_, status) => {
    operator.change(status, { run: { state: 'rolling_back' } });
    setImmediate(() => operator.change(status, { run: { state: 'rolled_back' } }));
  };
  const ran = await run('rollback', 'last', '--json');
  assert.equal(ran.exitCode, 0);
  assert.equal(jsonOf(ran).run.state, 'rolled_back');
});

test('complete without a terminal asks for --confirm, whatever --yes says', async () => {
  addRun(operator, 'waiting');
  for (const args of [[], ['--yes'], ['--no-input']]) {
    const ran = await run('complete', 'last', ...args);
    assert.equal(ran.exitCode, 2);
    assert.match(ran.stderr, /--confirm is missing/);
    assert.match(ran.stderr, /--confirm COMM-010/);
  }
  assert.deepEqual(operator.calls, []);
});

test('complete refuses another name and does it with the right one', async () => {
  addRun(operator, 'waiting');
  operator.onOrder = (_, status) => operator.change(status, { run: { state: 'completed' } });
  const wrong = await run('complete', 'last', '--confirm', 'COMM-020');
  assert.equal(wrong.exitCode, 2);
  assert.match(wrong.stderr, /must be the link's name, COMM-010, not COMM-020/);
  const right = await run('complete', 'last', '--confirm', 'COMM-010');
  assert.equal(right.exitCode, 0);
  assert.equal(operator.lastCall<{ confirm: string }>('complete')!.confirm, 'COMM-010');
});

test('an order that the state forbids fails with the reason', async () => {
  addRun(operator, 'completed');
  const ran = await run('rollback', 'last', '--yes');
  assert.equal(ran.exitCode, 1);
  assert.match(ran.stderr, /has ended/);
});

test('on a terminal start shows the plan and does nothing when the answer is no', async () => {
  const args = ['start', 'COMM-010', '--to', 'async', '--way-back', 'keep'];
  const asking = new Relink(operator.address, args, 80);
  await asking.says('Move COMM-010 to async?');
  asking.type('n');
  const ran = await asking.ended();
  assert.equal(ran.exitCode, 1);
  assert.match(ran.stderr, /Create the stream and its durable consumers/);
  assert.match(ran.stderr, /Nothing was done/);
  assert.deepEqual(operator.runs, []);
});

test('on a terminal start goes on after yes, and at once with --yes', async () => {
  operator.onOrder = (_, status) => operator.change(status, { run: { state: 'completed' } });
  const args = ['start', 'COMM-010', '--to', 'async', '--way-back', 'none'];
  const asking = new Relink(operator.address, args, 80);
  await asking.says('There is no way back once all lanes have moved');
  asking.type('y');
  assert.equal((await asking.ended()).exitCode, 0);
  const { exitCode, stderr } = await new Relink(operator.address, [...args, '--yes'], 80).ended();
  assert.equal(exitCode, 0);
  assert.ok(!stderr.includes('Move COMM-010'));
  assert.equal(operator.runs.length, 2);
});

test('on a terminal --no-input names --yes instead of asking', async () => {
  const args = ['start', 'COMM-010', '--to', 'async', '--way-back', 'keep', '--no-input'];
  const ran = await new Relink(operator.address, args, 80).ended();
  assert.equal(ran.exitCode, 2);
  assert.match(ran.stderr, /--yes/);
  assert.deepEqual(operator.runs, []);
});

test("on a terminal complete wants the link's name typed", async () => {
  addRun(operator, 'waiting');
  operator.onOrder = (_, status) => operator.change(status, { run: { state: 'completed' } });
  const asking = new Relink(operator.address, ['complete', 'last', '--yes'], 80);
  await asking.says('Type COMM-010');
  asking.type('COMM\r');
  await asking.says('or press Ctrl-C');
  asking.type('-010\r');
  assert.equal((await asking.ended()).exitCode, 0);
  assert.equal(operator.lastCall<{ confirm: string }>('complete')!.confirm, 'COMM-010');
});

test('on a terminal a run is drawn in place, never wider than the terminal', async () => {
  const status = addRun(operator);
  const watching = new Relink(operator.address, ['status', RUN_ID, '--watch'], 50);
  await watching.says('Route all lanes by events');
  operator.change(status, {}, { preflight: 'running' });
  await watching.says('▸');
  operator.change(status, { run: { state: 'completed' } }, { preflight: 'done' });
  const { stdout, stderr, exitCode } = await watching.ended();
  assert.equal(exitCode, 0);
  assert.equal(stderr, '');
  assert.ok(stdout.includes('\u001b[?25l') && stdout.includes('\u001b[?25h'));
  const lines = stripVTControlCharacters(stdout).split('\n');
  const commands = /relink \w+ /;
  const tooWide = lines.filter((line) => [...line].length > 50 && !commands.test(line));
  assert.deepEqual(tooWide, []);
});

test('Ctrl-C at a live view gives the cursor back', async () => {
  addRun(operator);
  const watching = new Relink(operator.address, ['status', RUN_ID, '--watch'], 80);
  await watching.says('Route all lanes by events');
  watching.interrupt();
  const { stdout, stderr, exitCode } = await watching.ended();
  assert.equal(exitCode, 130);
  assert.ok(stdout.endsWith('\u001b[?25h'));
  assert.match(stderr, /--watch +\(come back\)/);
});

test('Ctrl-C offers a rollback only while there is a way back', async () => {
  const status = addRun(operator);
  const leave = async () => {
    const watching = new Relink(operator.address, ['status', RUN_ID, '--watch'], 80);
    await watching.says('Route all lanes by events');
    watching.interrupt();
    return (await watching.ended()).stderr;
  };
  assert.match(await leave(), /relink rollback/);
  operator.change(status, {}, { complete: 'done' });
  assert.doesNotMatch(await leave(), /relink rollback/);
});
