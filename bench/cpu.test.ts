import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { CpuMeter, cpuOf, ownCpu } from './cpu.ts';

const BURN = 'const end = process.cpuUsage().user + 3e5; while (process.cpuUsage().user < end);';

test('the CPU time of a process counts what it started, also when that has ended', async () => {
  const script = `require('node:child_process').spawnSync(process.execPath, ['-e', ${JSON.stringify(BURN)}]);
    process.stdout.write('burnt'); setInterval(() => {}, 1e6)`;
  const child = spawn(process.execPath, ['-e', script]);
  try {
    await once(child.stdout, 'data');
    const read = await cpuOf(child.pid);
    assert.ok((await read!()) >= 300_000);
  } finally {
    child.kill();
    await once(child, 'exit');
  }
});

test('of a process that is not there, nothing is said', async () => {
  assert.equal(await cpuOf(undefined), undefined);
  assert.equal(await cpuOf(2 ** 30), undefined);
});

test('the warm-up does not count', async () => {
  let used = 0;
  const meter = new CpuMeter({ relay: async () => used, broker: undefined, own: ownCpu });
  for (const cost of [900, 20, 10, 30])
    await meter.measure(10, async () => {
      used += cost;
    });
  const { relay, own, ...others } = meter.medians();
  assert.equal(relay, 2);
  assert.ok(own! > 0);
  assert.deepEqual(others, {});
});
