import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { LegSchema, RunStatusSchema } from '../../gen/relink/v1/operator_pb.ts';
import { plainPaint, widthOf } from '../../operator/cli/output/paint.ts';
import { stageTitles } from '../demo.ts';
import { DEMO_MOVES, fromWhereItIs, type LinkMove, thereAndBack } from '../migrations/moves.ts';
import { readDemoOptions } from '../options.ts';
import { DemoModel } from './progress.ts';
import { easeTraffic } from './refresh.ts';
import { drawDemo } from './screen.ts';

const ALL_LANES = Array.from({ length: 16 }, (_, lane) => lane);

function moving(): DemoModel {
  const model = new DemoModel(stageTitles(readDemoOptions([])));
  Object.assign(model.stages[0]!, { state: 'done', startedMs: 1_000, endedMs: 5_200 });
  Object.assign(model.stages[1]!, { state: 'now', startedMs: 5_200, note: 'step 2 of 3' });
  model.run = create(RunStatusSchema, {
    run: { state: 'running' },
    steps: [
      { title: '4. Move one lane to async', state: 'done' },
      { title: '4. Watch the one lane', state: 'running' },
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
  model.legs = [{ link: 'COMM-010', leg }];
  model.traffic = { ratePerSecond: 199, requests: 1_204, failed: 0, p50Ms: 3.14, p99Ms: 9.8 };
  return model;
}

test('the live view shows stages, step, gate, lanes and traffic within 80 columns', () => {
  const model = moving();
  const lines = drawDemo(model, { width: 80, paint: plainPaint, now: model.startedMs });
  for (const line of lines) assert.ok(widthOf(line) <= 80, line);
  const picture = lines.join('\n');
  assert.match(picture, / ✓ start PostgreSQL, NATS, .+ 4\.2 s\n/);
  assert.match(picture, / {5}4\. Watch the one lane\n {5}lag: 12 ms \(3 open\), allowed 5000 ms/);
  assert.match(picture, / COMM-010 hiring +●○{15} {2}1 async, 15 sync +3 open +lag 12 ms/);
  assert.match(picture, / traffic +199\/s +1,204 requests +0 failed +p50 3\.1 ms +p99 9\.8 ms/);
  assert.match(picture, / · 60 requests a second/);
});

test('the live view fits 24 rows: of the stages only the one under way and its neighbours', () => {
  const model = moving();
  model.legs = Array.from({ length: 10 }, () => model.legs[0]!);
  for (const stage of model.stages.slice(0, 12)) stage.state = 'done';
  model.stages[12]!.state = 'now';
  const lines = drawDemo(model, { width: 80, paint: plainPaint, now: model.startedMs });
  // One row is the cursor's.
  assert.ok(lines.length <= 23, `${lines.length} lines`);
  const picture = lines.join('\n');
  assert.match(picture, / ✓ 11 done/);
  assert.match(picture, /· 7 to come/);
});

test('narrow terminals get cut lines, none that wrap', () => {
  const model = moving();
  const lines = drawDemo(model, { width: 40, paint: plainPaint, now: model.startedMs });
  for (const line of lines) assert.ok(widthOf(line) <= 40, line);
});

test('a stage that rejects is shown as failed, and the later ones as ahead', async () => {
  const model = new DemoModel(['one', 'two']);
  const work = () => Promise.reject(new Error('no'));
  await assert.rejects(model.during(work), /no/);
  assert.deepEqual(
    model.stages.map(({ state }) => state),
    ['failed', 'ahead'],
  );
});

test('a stage that is skipped says so and leaves its turn to the next', async () => {
  const model = new DemoModel(['one', 'two']);
  model.skip();
  await model.during(async (stage) => assert.equal(stage.title, 'two'));
  const [first] = model.stages;
  assert.deepEqual([first?.state, first?.note], ['failed', 'not begun']);
});

test('callers give way while answers take seconds, down to a few requests a second', () => {
  const traffic = { waiting: 200, ratePerSecond: 100 };
  easeTraffic(traffic);
  assert.equal(traffic.ratePerSecond, 100);
  traffic.waiting = 201;
  easeTraffic(traffic);
  assert.equal(traffic.ratePerSecond, 70);
  for (let i = 0; i < 20; i++) easeTraffic(traffic);
  assert.equal(traffic.ratePerSecond, 10);
  const slow = { waiting: 50, ratePerSecond: 5 };
  easeTraffic(slow);
  assert.equal(slow.ratePerSecond, 5);
});

test('options have defaults, limits and known links', () => {
  const { ratePerSecond, seconds, managers, moves } = readDemoOptions([]);
  assert.deepEqual([ratePerSecond, seconds, managers, moves.length], [60, 3, 400, 8]);
  const only = (...args: string[]) => readDemoOptions(args).moves.map(({ link }) => link);
  assert.deepEqual(only('--only', 'comm-010'), ['COMM-010']);
  assert.deepEqual(only('--only', 'COMM-060,COMM-010', '--only', 'COMM-021'), [
    'COMM-010',
    'COMM-021',
    'COMM-060',
  ]);
  assert.throws(() => readDemoOptions(['--only', 'COMM-080']), /some of COMM-010.*COMM-080/);
  assert.throws(() => readDemoOptions(['--rate', '0']), /from 1 to/);
  assert.throws(() => readDemoOptions(['--managers', '']), /whole number/);
  assert.throws(() => readDemoOptions(['--rates', '5']), /--rates/);
});

test('every movable link goes there, and then all come back in reverse order', () => {
  assert.deepEqual(
    DEMO_MOVES.map(({ link, from, to }) => `${link} ${from} ${to}`),
    [
      'COMM-010 sync async',
      'COMM-021 async sync',
      'COMM-020 async sync',
      'COMM-030 async sync',
      'COMM-040 sync async',
      'COMM-050 async sync',
      'COMM-060 async pull',
      'COMM-070 async sync',
    ],
  );
  const [first, second] = DEMO_MOVES as [LinkMove, LinkMove];
  assert.deepEqual(
    thereAndBack([first, second]).map(({ link, to }) => `${link} ${to}`),
    ['COMM-010 async', 'COMM-021 sync', 'COMM-021 async', 'COMM-010 sync'],
  );
});

test('a link that is on its goal already goes the other way first', () => {
  const move: LinkMove = { link: 'COMM-010', from: 'sync', to: 'async' };
  assert.deepEqual(fromWhereItIs(move, new Set(['async'])), {
    link: 'COMM-010',
    from: 'async',
    to: 'sync',
  });
  assert.deepEqual(fromWhereItIs(move, new Set(['async', 'sync'])), move);
});
