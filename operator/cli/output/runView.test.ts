import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { RunStatusSchema, type WaitingSchema } from '../../../gen/relink/v1/operator_pb.ts';
import { plainPaint, widthOf } from './paint.ts';
import { listChanges } from './runChanges.ts';
import { formatRun, sayNext, sayUndo, sayWaiting } from './runView.ts';

const NOW = Date.parse('2026-03-02T14:03:07Z');
const ago = (ms: number) => new Date(NOW - ms).toISOString();
const layout = (width: number) => ({ width, paint: plainPaint, now: NOW });

function statusOf(state: string, init: { waiting?: MessageInitShape<typeof WaitingSchema> } = {}) {
  const move = { id: 'run-7', link: 'COMM-010', from: 'sync', to: 'async', wayBack: 'keep' };
  const steps = ['done', 'running', 'pending', 'pending'].map((one, index) => ({
    name: `step-${index}`,
    number: String(index + 1),
    title: `${index + 1}. Do what the step of this long name does`,
    state: one,
    startedAt: one === 'pending' ? '' : ago(12_000),
    endedAt: one === 'done' ? ago(9_000) : '',
    undo: `undo ${index}`,
  }));
  return create(RunStatusSchema, { run: { ...move, state }, steps, ...init });
}

test('every step has its number once, its time and, while under way, how far it is', () => {
  const status = statusOf('running');
  Object.assign(status.steps[1]!, { done: 1_204n, total: 2_000n });
  const text = formatRun(status, layout(80)).join('\n');
  assert.match(text, / ✓ 1 {2}Do what the step of this long name does {2}3\.0 s/);
  assert.match(
    text,
    / ▸ 2 {2}Do what the step of this long name does {2}since 12 s\n +1,204 of 2,000/,
  );
  assert.match(text, / · 3 {2}Do what/);
});

test('no line is wider than the terminal', () => {
  const status = statusOf('waiting', {
    waiting: { gate: 'lag', value: '1,204 messages', threshold: 'at most 100', since: ago(5_000) },
  });
  for (const width of [30, 50, 80]) {
    const lines = formatRun(status, layout(width));
    const wide = lines.filter((line) => widthOf(line) > width && !line.includes('relink '));
    assert.deepEqual(wide, []);
  }
});

test('a run that is higher than the terminal folds what is far from now', () => {
  const lines = formatRun(statusOf('running'), layout(80), { rows: 12 });
  assert.ok(lines.length <= 12, lines.join('\n'));
  assert.ok(lines.some((line) => /2 steps to come/.test(line)));
  assert.ok(lines.some((line) => line.includes('▸')));
});

test('a gate is said with value, threshold and time, a person with what is asked', () => {
  const since = ago(12_000);
  const gate = { gate: 'lag', value: '9 s', threshold: 'at most 5 s', since };
  const measured = statusOf('running', { waiting: gate });
  assert.equal(sayWaiting(measured, NOW), 'lag: 9 s, needs at most 5 s, since 12 s');
  const asked = { gate: 'approve', value: '', threshold: 'before soak', since };
  const approval = statusOf('waiting', { waiting: asked });
  assert.equal(sayWaiting(approval, NOW), 'approval by a person, before soak, since 12 s');
  assert.match(sayNext(approval), /^relink approve run-7\n/);
});

test('a step that is repeated says which call does not get through, and since when', () => {
  const value = 'ContractSchema at hiring: DEADLINE_EXCEEDED no answer within 5 s';
  const retried = statusOf('running', { waiting: { gate: 'retry', value, since: ago(12_000) } });
  assert.equal(sayWaiting(retried, NOW), `a call to get through: ${value}, since 12 s`);
});

test('the next command fits the state', () => {
  const complete = { gate: 'complete', threshold: 'COMM-010' };
  const waiting = statusOf('waiting', { waiting: complete });
  assert.match(sayNext(waiting), /^relink complete run-7 --confirm COMM-010/);
  assert.match(sayNext(statusOf('paused')), /^relink resume run-7/);
  assert.match(sayNext(statusOf('running')), /^Do what/);
});

test('undo names the command while there is something to undo', () => {
  assert.equal(sayUndo(statusOf('running')), 'relink rollback run-7\nundo 1');
  assert.equal(sayUndo(statusOf('rolled_back')), 'nothing is left to undo');
});

test('after complete a run of its own goes back, unless what the old version needs was removed', () => {
  const completed = statusOf('completed');
  const command = 'relink start COMM-010 --to sync --way-back keep';
  assert.equal(
    sayUndo(completed),
    `the way back is given up; a run of its own goes back:\n${command}`,
  );
  completed.run!.consumer = 'hiring';
  assert.match(sayUndo(completed), /--way-back keep --consumer hiring$/);
  const title = '15. Remove what only v0 needs from both schemas';
  Object.assign(completed.steps[3]!, { name: 'contract-schema', number: '15', title });
  assert.equal(
    sayUndo(completed),
    'the way back is given up; done for good: Remove what only v0 needs from both schemas',
  );
});

/** Going back from its third step: the second is under way, or the run stands still at it. */
function goingBack(state: string, undo = '') {
  const waiting = { gate: 'resume', value: 'no answer', since: ago(5_000), undo };
  const status = statusOf(state, state === 'paused' ? { waiting } : {});
  const [first, second, third] = status.steps;
  first!.state = 'done';
  Object.assign(second!, { state: 'undoing', startedAt: ago(7_000), endedAt: '' });
  Object.assign(third!, { state: 'undone', startedAt: ago(9_000), endedAt: ago(7_000) });
  return status;
}

test('a run that goes back says what is undone now, since when, and what after it', () => {
  const text = formatRun(goingBack('rolling_back'), layout(100)).join('\n');
  assert.match(text, / ▸ 2 {2}Do what the step of this long name does +since 7 s/);
  assert.match(text, / ↶ 3 {2}Do what the step of this long name does +undone in 2\.0 s/);
  assert.match(text, /now +undoing: Do what the step of this long name does since 7 s/);
  assert.match(text, /next +undo of “Do what the step of this long name does”: undo 0/);
  assert.match(text, /undo +under way/);
});

test('a paused run that goes back is to be resumed, and undoes what it stopped at', () => {
  const status = goingBack('paused');
  assert.equal(
    sayNext(status),
    'relink resume run-7\nundo of “Do what the step of this long name does”: undo 1',
  );
  assert.equal(sayWaiting(status, NOW), 'a person to resume it, since 5 s');
  assert.equal(sayUndo(status), 'started; resume it to finish');
});

test('a run that was told to go back and paused before the first undo goes back as well', () => {
  const status = goingBack('paused');
  for (const step of status.steps) if (step.state.startsWith('und')) step.state = 'done';
  assert.match(sayNext(status), /undo of .*: undo 2$/);
  status.waiting!.undo = 'relink rollback run-7';
  assert.equal(
    sayNext(status),
    'relink resume run-7\nit goes on with “Do what the step of this long name does”',
  );
});

test('after a problem a paused run is to be resumed once that is mended, and tries the step again', () => {
  const status = statusOf('paused');
  status.run!.problem = 'release-reads: bonuses does not read v1';
  status.steps[1]!.state = 'failed';
  assert.equal(
    sayNext(status),
    'relink resume run-7\nonce the problem is mended; it tries “Do what the step of this long name does” again',
  );
});

test('a run that goes back does not show the gate that it was at as under way', () => {
  const status = statusOf('rolling_back');
  Object.assign(status.steps[1]!, { kind: 'gate', undo: '' });
  const text = formatRun(status, layout(100)).join('\n');
  assert.match(text, / – 2 {2}Do what the step of this long name does/);
  assert.match(text, /now +going back/);
  assert.doesNotMatch(text, /▸/);
});

test('once the way back is given up no line offers it', () => {
  const completing = statusOf('running');
  completing.steps[0]!.name = 'complete';
  const none = statusOf('paused', { waiting: { gate: 'resume', value: 'lag', undo: '' } });
  Object.assign(none.run!, { wayBack: 'none', problem: 'soak: lag' });
  none.steps[1]!.name = 'route-all';
  for (const status of [completing, none]) {
    const text = formatRun(status, layout(100)).join('\n');
    assert.doesNotMatch(text, /relink rollback|way back kept|undo of/);
    assert.match(text, /undo +nothing: the way back was given up/);
  }
  assert.match(sayNext(none), /^relink resume run-7\nonce the problem/);
});

test('the head says when the run began, and of a way back only what is so', () => {
  const head = (state: string, endedAt = '') => {
    const status = statusOf(state);
    Object.assign(status.run!, { startedAt: ago(120_000), endedAt });
    return formatRun(status, layout(100))[2]!;
  };
  assert.equal(head('running'), 'running · started 2 min ago · way back kept');
  assert.match(head('completed', ago(0)), /^completed · ended .* after 2 min · way back given up$/);
  assert.match(head('rolled_back', ago(0)), /^rolled back · ended .* after 2 min$/);
});

test('between two steps the one done last is said', () => {
  const status = statusOf('waiting', { waiting: { gate: 'approve', threshold: 'before soak' } });
  Object.assign(status.steps[1]!, { state: 'done', endedAt: ago(3_000) });
  const text = formatRun(status, layout(100)).join('\n');
  assert.match(text, /now +Do what the step of this long name does: done 3 s ago/);
});

test('changes are told once each', () => {
  const before = statusOf('running');
  const after = statusOf('running');
  assert.deepEqual(listChanges(before, after, layout(80)), []);
  after.steps[1]!.state = 'done';
  after.steps[1]!.endedAt = ago(2_000);
  after.run!.state = 'completed';
  const [step, state, ...others] = listChanges(before, after, layout(80));
  assert.match(step!, /step 2 Do what the step of this long name does: done after 10 s$/);
  assert.match(state!, /run is completed$/);
  assert.deepEqual(others, []);
});
