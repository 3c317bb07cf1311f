import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { until } from '../test/harness/until.ts';
import { freePorts } from './ports.ts';
import { restartOnCrash } from './restartOnCrash.ts';
import { makeRunDir } from './servers/folders.ts';
import { type Program, startProgram } from './servers/processes.ts';

const MAIN = join(import.meta.dirname, 'servers', 'fixtures', 'service.ts');

async function keep(t: TestContext, firstPauseMs: number) {
  const said: string[] = [];
  const restarter = restartOnCrash({ say: (line) => said.push(line), firstPauseMs });
  const dir = await makeRunDir('restarts');
  const [port] = await freePorts(1);
  const env = { RELINK_HTTP_PORT: String(port), RELINK_FAILPOINTS: '' };
  const program = await startProgram({
    name: 'stand-in',
    main: MAIN,
    env,
    logFile: join(dir, 'log'),
    readyUrl: `http://127.0.0.1:${port}/readyz`,
    onUnexpectedEnd: restarter.onUnexpectedEnd,
  });
  t.after(async () => {
    await restarter.stop();
    await program.stop();
    await rm(dir, { recursive: true });
  });
  const says = (line: RegExp, times = 1) =>
    until(() => said.filter((one) => line.test(one)).length >= times, { what: String(line) });
  return { restarter, program, env, said, says };
}

const crash = (program: Program) => program.signal('SIGKILL');

test('a process that is killed is restarted, each time after a longer pause', async (t) => {
  const { program, said, says } = await keep(t, 10);
  const { pid } = program;
  crash(program);
  await says(/is running again/);
  assert.notEqual(program.pid, pid);
  crash(program);
  await says(/is running again/, 2);
  assert.ok(program.isRunning);
  assert.match(said[0] ?? '', /stand-in ended \(SIGKILL\); .+ ends:\nready/);
  const pauses = said.filter((line) => line.includes('restarts in'));
  assert.deepEqual(pauses, ['stand-in restarts in 0.01 s', 'stand-in restarts in 0.02 s']);
});

test('a failed start is reported and retried', async (t) => {
  const { program, env, says } = await keep(t, 10);
  env.RELINK_FAILPOINTS = 'exit';
  crash(program);
  await says(/ended before it was ready \(exit code 3\)/, 2);
  env.RELINK_FAILPOINTS = '';
  await says(/is running again/);
  assert.ok(program.isRunning);
});

test('a process that is told to stop stays stopped, and so does one that waits for its restart', async (t) => {
  const { restarter, program, said, says } = await keep(t, 60_000);
  await program.stop();
  await program.start();
  assert.deepEqual(said, []);
  crash(program);
  await says(/restarts in 60 s/);
  await restarter.stop();
  assert.equal(program.isRunning, false);
});
