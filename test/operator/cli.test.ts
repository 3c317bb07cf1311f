import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { RelinkProcess } from '../rigs/cli.ts';
import { FakeOperator } from '../rigs/fakeOperator/fakeOperator.ts';
import { addRun, jsonOf, RUN_ID, useFakeOperator } from '../rigs/fakeOperator/setting.ts';

const { operator } = useFakeOperator();

test('links --json has the documented shape and says nothing on stderr', async () => {
  const ran = await new RelinkProcess(operator.address, 'links', '--json').ended();
  assert.equal(ran.exitCode, 0);
  assert.equal(ran.stderr, '');
  const [link] = jsonOf(ran).links;
  assert.deepEqual(Object.keys(link), [
    'id',
    'kind',
    'producer',
    'legs',
    'transports',
    'immovable_reason',
  ]);
  assert.deepEqual(link.legs[0], {
    consumer: 'hiring',
    routes: [
      { lanes: [0, 1, 2, 3], transport: 'async', version: 0, epoch: 3 },
      {
        lanes: [4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
        transport: 'sync',
        version: 0,
        epoch: 1,
      },
    ],
    outbox_open: 1204,
    oldest_open_ms: 350,
    stream_pending: 12,
    ack_pending: 3,
    dead_letters: 2,
    parked: 0,
    warnings: ['listens on the stream COMM-010 where nobody sends'],
    blocked: 0,
    blocked_reason: '',
    blocked_ms: 0,
    paused_reason: '',
  });
});

test('a command that does not exist exits 2 with what was meant, on stderr', async () => {
  const ran = await new RelinkProcess(operator.address, 'statsu').ended();
  assert.match(ran.stderr, /Did you mean status\?/);
  assert.equal(ran.exitCode, 2);
  assert.equal(ran.stdout, '');
});

test('start follows the run on stderr and ends with 3 when it needs a person', async () => {
  const started = new RelinkProcess(
    operator.address,
    'start',
    'COMM-010',
    '--to',
    'async',
    '--way-back',
    'keep',
  );
  await started.says('run is running');
  const status = operator.runs[0]!;
  operator.change(status, {}, { preflight: 'running' });
  await started.says('step 1 Check contract, consumers and both paths with probes: begins');
  const waiting = {
    gate: 'complete',
    value: '',
    threshold: 'COMM-010',
    since: new Date().toISOString(),
  };
  operator.change(status, { run: { state: 'waiting' }, waiting }, { preflight: 'done' });
  const ran = await started.ended();
  assert.equal(ran.exitCode, 3);
  assert.match(ran.stderr, /waits for a person to complete it/);
  assert.match(ran.stdout, /next +relink complete \S+ --confirm COMM-010/);
});

test('watching prints one status a change as ndjson', async () => {
  const status = addRun(operator);
  const watching = new RelinkProcess(
    operator.address,
    'status',
    RUN_ID,
    '--watch',
    '--output',
    'ndjson',
  );
  await watching.says('"state":"running"');
  operator.change(status, {}, { preflight: 'done' });
  await watching.says('with probes","state":"done"');
  operator.change(status, { run: { state: 'completed', endedAt: new Date().toISOString() } });
  const ran = await watching.ended();
  const states = ran.stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line).run.state);
  assert.deepEqual(states, ['running', 'running', 'completed']);
  assert.equal(ran.exitCode, 0);
  assert.equal(ran.stderr, '');
});

test('Ctrl-C detaches, says how to come back and leaves the run alone', async () => {
  addRun(operator);
  const watching = new RelinkProcess(operator.address, 'status', RUN_ID, '--watch');
  await watching.says('run is running');
  watching.kill('SIGINT');
  // As it is when a terminal and npm both pass it on.
  watching.kill('SIGINT');
  const ran = await watching.ended();
  assert.equal(ran.exitCode, 130);
  assert.match(ran.stderr, new RegExp(`Detached. Run ${RUN_ID} goes on`));
  assert.match(ran.stderr, /relink status 0199c0de-0000 --watch +\(come back\)/);
  assert.equal(operator.runs[0]!.run!.state, 'running');
  assert.deepEqual(operator.calls, []);
});

test('watching survives a restart of the operator, and says once that it was away', async () => {
  const first = await new FakeOperator().start();
  const address = first.address;
  const init = addRun(operator);
  first.addRun(init);
  const watching = new RelinkProcess(address, 'status', RUN_ID, '--watch');
  await watching.says('run is running');
  await first.stop();
  await watching.says('does not answer; retrying');
  const second = await new FakeOperator(first.port).start();
  try {
    const status = second.addRun(init);
    second.change(status, { run: { state: 'completed' } });
    const ran = await watching.ended();
    assert.equal(ran.exitCode, 0);
    assert.match(ran.stderr, /run is completed/);
    const contact = ran.stderr.split('\n').filter((line) => line.startsWith('The operator'));
    assert.deepEqual(contact, [
      `The operator at ${address} does not answer; retrying.`,
      `The operator at ${address} answers again.`,
    ]);
  } finally {
    await second.stop();
  }
});

test('an operator that does not answer is named, with the next command', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  const ran = await new RelinkProcess(`127.0.0.1:${port}`, 'links').ended();
  assert.equal(ran.exitCode, 1);
  assert.equal(ran.stdout, '');
  assert.match(ran.stderr, new RegExp(`No operator answers at 127.0.0.1:${port}`));
  assert.match(ran.stderr, /next {2}npm start/);
});

test('a reader that closes the pipe early is no error', async () => {
  const links = new RelinkProcess(operator.address, 'links', '--json');
  links.closeStdout();
  const { exitCode, stderr } = await links.ended();
  assert.equal(stderr, '');
  assert.equal(exitCode, 0);
});

test('an error that nobody reads keeps its exit code', async () => {
  const wrong = new RelinkProcess(operator.address, 'nosuch');
  wrong.closeStderr();
  assert.equal((await wrong.ended()).exitCode, 2);
});

test('a run is followed to its end though nobody reads the progress', async () => {
  const status = addRun(operator);
  const watching = new RelinkProcess(operator.address, 'status', RUN_ID, '--watch');
  await watching.says('run is running');
  watching.closeStderr();
  operator.change(status, {}, { preflight: 'done' });
  operator.change(status, { run: { state: 'completed', endedAt: new Date().toISOString() } });
  const ran = await watching.ended();
  assert.match(ran.stdout, /completed/);
  assert.equal(ran.exitCode, 0);
});

test('a reader of a followed run who has seen enough ends the command, not the run', async () => {
  const status = addRun(operator);
  const args = ['status', RUN_ID, '--watch', '--output', 'ndjson'];
  const watching = new RelinkProcess(operator.address, ...args);
  await watching.says('"state":"running"');
  watching.closeStdout();
  operator.change(status, {}, { preflight: 'done' });
  const ran = await watching.ended();
  assert.match(ran.stderr, new RegExp(`Detached. Run ${RUN_ID} goes on`));
  assert.equal(ran.exitCode, 0);
  assert.deepEqual(operator.calls, []);
});
