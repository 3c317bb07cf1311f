import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { LegSchema, RunStatusSchema } from '../../gen/relink/v1/operator_pb.ts';
import { plainPaint, widthOf } from '../../operator/cli/output/paint.ts';
import { stageTitles } from '../demo.ts';
import { VERSION_MOVES } from '../migrations/moves.ts';
import { readDemoOptions } from '../options.ts';
import { DemoProgress } from './progress.ts';
import { drawScreen } from './screen.ts';

const ALL_LANES = Array.from({ length: 16 }, (_, lane) => lane);

function moving(): DemoProgress {
  const progress = new DemoProgress(stageTitles(readDemoOptions([])));
  Object.assign(progress.stages[0]!, { state: 'done', startedMs: 1_000, endedMs: 5_200 });
  Object.assign(progress.stages[1]!, { state: 'running', startedMs: 5_200, note: 'step 2 of 3' });
  progress.run = create(RunStatusSchema, {
    run: { state: 'running' },
    steps: [
      { title: '4. Move the canary lane to async', state: 'done' },
      { title: '4. Watch the canary lane', state: 'running' },
      { title: '4. Move all lanes to async', state: 'pending' },
    ],
    waiting: { gate: 'lag', value: '12 ms (3 open)', threshold: '5000 ms' },
  });
  const leg = create(LegSchema, {
    consumer: 'hiring',
    routes: [
      { lanes: [0], transport: 'async' },
      { lanes: ALL_LANES.slice(1), transport: 'sync' },
    ],
    outboxOpen: 3n,
    oldestOpenMs: 12n,
  });
  progress.legs = [{ link: 'COMM-010', leg }];
  progress.traffic = { ratePerSecond: 199, requests: 1_204, failed: 0, p50Ms: 3.14, p99Ms: 9.8 };
  return progress;
}

test('the live view shows stages, step, gate, lanes and traffic within 80 columns', () => {
  const progress = moving();
  const lines = drawScreen(progress, { width: 80, paint: plainPaint, now: progress.startedMs });
  for (const line of lines) assert.ok(widthOf(line) <= 80, line);
  const picture = lines.join('\n');
  assert.match(picture, / ✓ start PostgreSQL, NATS, .+ 4\.2 s\n/);
  assert.match(
    picture,
    / {5}4\. Watch the canary lane\n {5}lag: 12 ms \(3 open\), allowed 5000 ms/,
  );
  assert.match(picture, / COMM-010 hiring +●○{15} {2}1 async, 15 sync +3 open +lag 12 ms/);
  assert.match(picture, / traffic +199\/s +1,204 requests +0 failed +p50 3\.1 ms +p99 9\.8 ms/);
  assert.match(picture, / · 60 requests a second/);
});

test('the live view fits 24 rows: of the stages only the one under way and its neighbours', () => {
  const progress = moving();
  progress.legs = Array.from({ length: 10 }, () => progress.legs[0]!);
  for (const stage of progress.stages.slice(0, 12)) stage.state = 'done';
  progress.stages[12]!.state = 'running';
  const lines = drawScreen(progress, { width: 80, paint: plainPaint, now: progress.startedMs });
  // One row is the cursor's.
  assert.ok(lines.length <= 23, `${lines.length} lines`);
  const picture = lines.join('\n');
  assert.match(picture, / ✓ 11 done/);
  assert.match(picture, new RegExp(`· ${7 + VERSION_MOVES.length} to come`));
});

test('narrow terminals get cut lines, none that wrap', () => {
  const progress = moving();
  const lines = drawScreen(progress, { width: 40, paint: plainPaint, now: progress.startedMs });
  for (const line of lines) assert.ok(widthOf(line) <= 40, line);
});
