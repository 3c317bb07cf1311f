import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { until } from '../../test/harness/until.ts';
import { cleanEnvironment } from '../environment.ts';
import { makeRunDir } from './folders.ts';
import { findNatsServer } from './natsBinary.ts';
import { removePostgresData } from './postgres.ts';
import { commandOf } from './running.ts';

/** Runs the supervisor until everything it starts is ready; returns it with the started pids. */
async function startSupervisor(t: TestContext, mode: string) {
  const dir = await makeRunDir('guard');
  t.after(async () => {
    await removePostgresData(join(dir, 'postgres'));
    await rm(dir, { recursive: true });
  });
  const { path } = await findNatsServer({ say: () => undefined });
  const main = join(import.meta.dirname, 'fixtures', 'supervisor.ts');
  const supervisor = spawn(process.execPath, [main, dir, mode], {
    // What the guard stops here is the test itself, no leftover to report.
    env: cleanEnvironment({ RELINK_NATS_SERVER: path, RELINK_TEST_LEFTOVERS: '' }),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = await once(supervisor.stdout, 'data');
  return { supervisor, pids: JSON.parse(String(line)) as number[] };
}

async function untilGone(pids: number[]): Promise<void> {
  const left = async () => {
    const commands = await Promise.all(pids.map(commandOf));
    return commands.every((command) => command === undefined);
  };
  await until(left, { what: `processes ${pids.join(', ')} gone` });
}

// Side by side: most of the time is waiting.
describe('when a supervisor ends', { concurrency: true }, () => {
  test('servers and programs stop when their supervisor is killed', async (t) => {
    const { supervisor, pids } = await startSupervisor(t, '');
    for (const pid of pids) assert.ok(await commandOf(pid), `process ${pid} runs`);
    supervisor.kill('SIGKILL');
    await untilGone(pids);
  });

  test('a frozen program that ignores SIGTERM goes too, only later', async (t) => {
    const { supervisor, pids } = await startSupervisor(t, 'hang');
    process.kill(pids[2] as number, 'SIGSTOP');
    supervisor.kill('SIGKILL');
    await untilGone(pids);
  });

  test('servers stop when their supervisor just ends', async (t) => {
    const { supervisor, pids } = await startSupervisor(t, '');
    supervisor.kill('SIGTERM');
    await untilGone(pids);
  });
});
