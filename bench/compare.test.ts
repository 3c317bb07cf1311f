import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { compareRuns, EarlierRunError, readEarlierRun } from './compare.ts';
import { type Goal, ratioOf, withCpu } from './report.ts';

const dir = mkdtempSync(join(tmpdir(), 'relink-compare-'));
after(() => rmSync(dir, { recursive: true }));

const goal: Goal = { name: 'drain', unit: 'events/s', goal: 0.5, bound: 'at least', note: '' };
const rounds = (ours: number) => ({ ours: [ours], against: [100] });

test('each row says from what to what it changed, and whether that is better', () => {
  const pause: Goal = { ...goal, name: 'pause', bound: 'at most' };
  const cpu = (micros: number) => ({ relay: micros, PostgreSQL: 10 });
  const earlier = [
    withCpu(ratioOf(goal, rounds(40)), cpu(30), 30),
    ratioOf(pause, rounds(100)),
    ratioOf({ ...goal, name: 'gone' }, rounds(1)),
  ];
  const now = [
    withCpu(ratioOf(goal, rounds(60)), cpu(10), 30),
    ratioOf(pause, rounds(150)),
    ratioOf({ ...goal, name: 'new' }, rounds(1)),
  ];
  assert.deepEqual(compareRuns(earlier, now), [
    'drain: 0.40 → 0.60 (+50 %, better)',
    'drain, CPU µs an event: 40.0 → 20.0 (-50 %, better)',
    'pause: 1.00 → 1.50 (+50 %, worse)',
    'new: not in the earlier run',
  ]);
});

test('an earlier run is what --json wrote, and nothing else', () => {
  const file = join(dir, 'run.json');
  writeFileSync(file, JSON.stringify({ ratios: [ratioOf(goal, rounds(40))] }));
  assert.equal(readEarlierRun(file)[0]!.ratio, 0.4);
  for (const text of ['', '[]', '{"ratios":[{"name":1}]}']) {
    writeFileSync(file, text);
    assert.throws(() => readEarlierRun(file), EarlierRunError, text);
  }
  assert.throws(() => readEarlierRun(join(dir, 'missing')), /--compare .*missing: ENOENT/);
});
