import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { PlanResponseSchema } from '../../../gen/relink/v1/operator_pb.ts';
import { plainPaint } from './paint.ts';
import { formatPlan } from './planView.ts';

const layout = { width: 80, paint: plainPaint, now: 0 };

function planOf(...steps: [number: string, name: string][]) {
  return create(PlanResponseSchema, {
    ...{ link: 'COMM-010', from: 'sync v0', to: 'async v0' },
    steps: steps.map(([number, name]) => ({ number, name, title: `${number}. Do ${name}` })),
  });
}

test('a plan whose steps stand in another order than described says which, and why', () => {
  const plan = planOf(['3', 'shadow'], ['5', 'backfill'], ['5', 'parity'], ['4', 'route']);
  const text = formatPlan(plan, layout).join('\n').replaceAll('\n', ' ');
  assert.match(text, /5 comes before 4: replicas are backfilled before traffic moves/);
});

test('a plan that goes a described way backwards says so', () => {
  const plan = planOf(['8', 'preflight'], ['6', 'table'], ['7', 'stream'], ['1', 'end']);
  assert.match(formatPlan(plan, layout).join(' '), /which this plan follows in reverse/);
});

test('a plan says what its gates judge by, unless it only comes before a question', () => {
  const thresholds = [
    { setting: 'lag_limit_ms', value: 5_000, unit: 'ms', about: 'oldest open', measures: ['lag'] },
    {
      setting: 'error_rate_limit',
      value: 0.05,
      unit: 'share',
      about: 'failed',
      measures: ['a', 'b'],
    },
  ];
  const plan = create(PlanResponseSchema, { link: 'COMM-010', steps: [], thresholds });
  const lines = formatPlan(plan, layout);
  assert.deepEqual(lines.slice(-3), [
    'Thresholds (--set)',
    '  lag_limit_ms=5000      oldest open (ms; lag)',
    '  error_rate_limit=0.05  failed (share; a, b)',
  ]);
  assert.ok(!formatPlan(plan, layout, false).includes('Thresholds (--set)'));
});

test('a plan in the order of its description says nothing about it', () => {
  const text = formatPlan(planOf(['1', 'preflight'], ['2', 'a'], ['10', 'b']), layout).join('\n');
  assert.doesNotMatch(text, /comes before/);
});
