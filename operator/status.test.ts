import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { UNDO_SINCE } from '../migration/engine/context.ts';
import { COMPLETE, ROUTE_ALL } from '../migration/plan.ts';
import type { RunRecord, RunWithSteps, StepRecord } from '../migration/run/record.ts';
import { parseSettings } from '../migration/settings.ts';
import { statusToWire } from './status.ts';

const STARTED = '2026-01-01T10:00:00.000Z';
const DONE = '2026-01-01T10:00:05.000Z';
const UNDOING_SINCE = '2026-01-01T12:00:00.000Z';
const UNDONE = '2026-01-01T12:00:02.000Z';
const PAUSED = '2026-01-01T12:30:00.000Z';

function stepOf(position: number, state: StepRecord['state'], undo = 'it is undone'): StepRecord {
  const isBack = state === 'undoing' || state === 'undone';
  return {
    ...{ position, state, undo, name: `step-${position}`, title: `Do ${position}` },
    ...{ number: String(position), kind: 'step', done: 0, total: 0, startedAt: STARTED },
    checkpoint: isBack ? { [UNDO_SINCE]: Date.parse(UNDOING_SINCE) } : {},
    endedAt: state === 'undone' ? UNDONE : state === 'running' ? null : DONE,
  };
}

function runOf(patch: Partial<RunRecord>, steps: StepRecord[]): RunWithSteps {
  const route = (transport: 'sync' | 'async') => ({ transport, version: 0 });
  const run: RunRecord = {
    ...{
      id: 'run',
      plan: 'plan',
      link: 'COMM-010',
      consumer: '',
      consumers: ['hiring'],
      others: [],
    },
    ...{ producer: 'assessments', from: route('sync'), to: route('async'), wayBack: 'keep' },
    ...{ isStepByStep: false, isHeld: true, settings: parseSettings({}), actor: 'test' },
    ...{ state: 'running', direction: 'forward', endsAs: 'rolled_back', problem: '' },
    ...{ waiting: null, memory: {}, revision: 1n, startedAt: STARTED, endedAt: null },
    ...patch,
  };
  return { run, steps };
}

describe('the status of a run', () => {
  it('has of a step that is or was undone the time of its undoing', () => {
    const steps = [stepOf(1, 'done'), stepOf(2, 'undoing'), stepOf(3, 'undone')];
    const status = statusToWire(runOf({ state: 'rolling_back', direction: 'back' }, steps), []);
    assert.deepEqual(
      status.steps!.map(({ startedAt, endedAt }) => [startedAt, endedAt]),
      [
        [STARTED, DONE],
        [UNDOING_SINCE, ''],
        [UNDOING_SINCE, UNDONE],
      ],
    );
  });

  it('says of a paused run since when, and the step it goes on with', () => {
    const waiting = { gate: 'resume', value: '', threshold: '', since: PAUSED };
    const steps = [stepOf(1, 'done'), stepOf(2, 'running'), { ...stepOf(3, 'pending') }];
    const { waiting: shown } = statusToWire(runOf({ state: 'paused', waiting }, steps), []);
    const { gate, since, next, undo } = shown!;
    assert.deepEqual([gate, since, next], ['resume', PAUSED, 'Do 2']);
    assert.equal(undo, 'relink rollback run');
  });

  it('says of a paused run that goes back the next undo, passing by what has none', () => {
    const waiting = { gate: 'resume', value: '', threshold: '', since: PAUSED };
    const run = { state: 'paused', direction: 'back', waiting } as const;
    const steps = [stepOf(1, 'done'), stepOf(2, 'done', ''), stepOf(3, 'undone')];
    const { next, undo } = statusToWire(runOf(run, steps), []).waiting!;
    assert.deepEqual([next, undo], ['undo of “Do 1”: it is undone', '']);
    const last = statusToWire(runOf(run, [stepOf(1, 'undone')]), []).waiting!;
    assert.equal(last.next, 'the old route, as before the run');
  });

  it('offers no way back after complete, nor once all lanes move without one', () => {
    const waiting = { gate: 'resume', value: '', threshold: '', since: PAUSED };
    const completed = [{ ...stepOf(1, 'done'), name: COMPLETE }, stepOf(2, 'failed')];
    const kept = statusToWire(runOf({ state: 'paused', waiting }, completed), []);
    const moved = [{ ...stepOf(1, 'done'), name: ROUTE_ALL }, stepOf(2, 'failed')];
    const none = runOf({ state: 'paused', waiting, wayBack: 'none' }, moved);
    for (const status of [kept, statusToWire(none, [])]) assert.equal(status.waiting!.undo, '');
  });
});
