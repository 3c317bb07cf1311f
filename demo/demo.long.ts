import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { cleanEnvironment, readDevEnvironment } from '../dev/environment.ts';
import { makeRunDir } from '../dev/servers/folders.ts';
import { processesOfRun } from '../test/harness/leaks.ts';
import { until } from '../test/harness/until.ts';
import type { DemoReport } from './report/report.ts';

const MAIN = join(import.meta.dirname, 'main.ts');
/** A slow machine needs minutes for what takes an idle one half of one. */
const DEMO_LIMIT_MS = 10 * 60_000;
const STOP_LIMIT_MS = 60_000;

interface Demo {
  /** Standard output and error so far. */
  readonly said: () => { out: string; err: string };
  readonly ended: Promise<number | null>;
  readonly hasEnded: () => boolean;
  readonly dir: string;
  /** Marks all processes of this demo. */
  readonly run: string;
  readonly signal: (signal: NodeJS.Signals) => void;
}

/** A small demo in a folder of its own, which holds its temporary data as well. */
async function startDemo(t: TestContext, ...more: string[]): Promise<Demo> {
  const dir = await makeRunDir('demo-test');
  const { natsServer } = readDevEnvironment();
  const run = `demo-${process.pid}-${Date.now()}`;
  const args = [MAIN, '--managers', '200', '--rate', '20', '--seconds', '1', ...more];
  const env = cleanEnvironment({
    RELINK_TEST_RUN: run,
    TMPDIR: dir,
    ...(natsServer && { RELINK_NATS_SERVER: natsServer }),
  });
  const child = spawn(process.execPath, args, { cwd: dir, env });
  const said = { out: '', err: '' };
  child.stdout.on('data', (text) => {
    said.out += text;
  });
  child.stderr.on('data', (text) => {
    said.err += text;
  });
  const ended = once(child, 'exit').then(([code]) => code as number | null);
  t.after(async () => {
    child.kill('SIGTERM');
    await ended;
    await rm(dir, { recursive: true });
  });
  const hasEnded = () => child.exitCode !== null || child.signalCode !== null;
  return { said: () => said, ended, hasEnded, dir, run, signal: (signal) => child.kill(signal) };
}

async function hasLeftNothing({ run, dir }: Demo, files: string[]): Promise<void> {
  await until(async () => (await processesOfRun(run, new Set())).length === 0, {
    what: 'no process of the demo',
    withinMs: STOP_LIMIT_MS,
  });
  assert.deepEqual(await readdir(dir), files);
}

test('the demo proves both moves, writes its report and leaves nothing running', {
  timeout: DEMO_LIMIT_MS,
}, async (t) => {
  const demo = await startDemo(t, '--only', 'COMM-010', '--json');
  assert.equal(await demo.ended, 0, demo.said().err);
  const printed = JSON.parse(demo.said().out) as DemoReport;
  const written = JSON.parse(await readFile(join(demo.dir, 'demo-report.json'), 'utf8'));
  assert.deepEqual(printed, written);
  assert.ok(printed.ok);
  assert.deepEqual(
    printed.migrations.map(({ from, to, lost, doubled, reordered }) => {
      return { from, to, lost, doubled, reordered };
    }),
    [
      { from: 'sync', to: 'async', lost: 0, doubled: 0, reordered: 0 },
      { from: 'async', to: 'sync', lost: 0, doubled: 0, reordered: 0 },
      { from: 'v0', to: 'v1', lost: 0, doubled: 0, reordered: 0 },
    ],
  );
  for (const { certificates, messages } of printed.migrations) {
    assert.ok(messages > 0);
    const closed = certificates.filter(({ kind }) => kind === 'closing');
    assert.equal(new Set(closed.map(({ consumer }) => consumer)).size, 2);
    assert.ok(certificates.every(({ equal }) => equal));
  }
  const last = printed.migrations.at(-1)!;
  assert.ok(last.certificates.some(({ kind }) => kind === 'erasure'));
  await hasLeftNothing(demo, ['demo-report.json']);
});

test('an interrupted demo stops everything, removes its data and exits 130', {
  timeout: DEMO_LIMIT_MS,
}, async (t) => {
  const demo = await startDemo(t);
  const isMoving = () => /Watch the canary lane/.test(demo.said().out);
  await until(() => isMoving() || demo.hasEnded(), {
    what: 'traffic that moves',
    withinMs: DEMO_LIMIT_MS,
  });
  assert.ok(isMoving(), demo.said().out);
  demo.signal('SIGINT');
  assert.equal(await demo.ended, 130, demo.said().err);
  await hasLeftNothing(demo, []);
});
