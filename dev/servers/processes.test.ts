import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { until } from '../../test/harness/until.ts';
import { freePorts } from '../ports.ts';
import { makeRunDir } from './folders.ts';
import { type Program, type ProgramOptions, startProgram, stopInReverse } from './processes.ts';

const MAIN = join(import.meta.dirname, 'fixtures', 'service.ts');

async function start(
  t: TestContext,
  mode = '',
  more: Partial<ProgramOptions> = {},
): Promise<Program> {
  const dir = await makeRunDir('program');
  const [port] = await freePorts(1);
  const starting = startProgram({
    name: 'stand-in',
    main: MAIN,
    env: { RELINK_HTTP_PORT: String(port), RELINK_FAILPOINTS: mode },
    logFile: join(dir, 'log'),
    readyUrl: `http://127.0.0.1:${port}/readyz`,
    ...more,
  });
  t.after(async () => {
    const [started] = await Promise.allSettled([starting]);
    if (started.status === 'fulfilled') await started.value.stop();
    await rm(dir, { recursive: true });
  });
  return starting;
}

test('a program is ready when /readyz answers, and stop is safe twice', async (t) => {
  const program = await start(t);
  assert.equal(await program.lastLines(), 'ready');
  await program.stop();
  await program.stop();
  assert.equal(program.isRunning, false);
});

test('a program that ends at once is reported with the end of its log', async (t) => {
  await assert.rejects(start(t, 'exit'), {
    code: 'start_failed',
    message: /stand-in ended before it was ready \(exit code 3\)[\s\S]*cannot find my database/,
  });
});

test('a program that is never ready is stopped and reported', async (t) => {
  const [unused] = await freePorts(1);
  const readyUrl = `http://127.0.0.1:${unused}/readyz`;
  await assert.rejects(start(t, '', { readyUrl, readyLimitMs: 500 }), {
    code: 'start_timeout',
    message: /was not ready within 0.5 s/,
  });
});

test('who waits for a program hears why it is not ready', async (t) => {
  const said: string[] = [];
  await start(t, 'late', { waitEveryMs: 1, onWait: (line) => said.push(line) });
  assert.equal(said.at(-1), 'stand-in is not ready: nats: no stream today');
});

test('a killed program comes back as another process', async (t) => {
  const program = await start(t);
  const { pid } = program;
  assert.deepEqual(await program.kill(), { code: null, signal: 'SIGKILL' });
  await program.start();
  assert.notEqual(program.pid, pid);
  await program.restart();
  assert.ok(program.isRunning);
});

test('a program that ignores SIGTERM is killed after its limit, frozen or not', async (t) => {
  const program = await start(t, 'hang', { stopLimitMs: 300 });
  program.signal('SIGSTOP');
  await program.stop();
  assert.equal(program.isRunning, false);
});

test('an end nobody asked for is reported, a stop is not', async (t) => {
  const ends: string[] = [];
  const more: Partial<ProgramOptions> = {
    onUnexpectedEnd: ({ name }, exit, lines) => ends.push(`${name} ${exit.signal} ${lines}`),
  };
  const stopped = await start(t, '', more);
  await stopped.stop();
  const crashed = await start(t, '', more);
  crashed.signal('SIGKILL');
  await until(() => ends.length === 1, { what: 'the report' });
  assert.deepEqual(ends, ['stand-in SIGKILL ready']);
});

test('stopping goes on in reverse order after a failure, and throws it', async () => {
  const stopped: string[] = [];
  const one = (name: string, fails = false) => ({
    stop: async () => {
      stopped.push(name);
      if (fails) throw new Error(`${name} would not`);
    },
  });
  await assert.rejects(stopInReverse([one('first'), one('second', true), one('third')]), {
    code: 'stop_failed',
    message: /second would not/,
  });
  assert.deepEqual(stopped, ['third', 'second', 'first']);
});
