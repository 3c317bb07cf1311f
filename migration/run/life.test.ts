import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { MigrationError } from '../errors.ts';
import { COMPLETE, ROUTE_ALL } from '../plan.ts';
import { parseSettings } from '../settings.ts';
import * as life from './life.ts';
import { isEnded, type RunRecord, type RunWithSteps, type StepRecord } from './record.ts';

const AT = '2026-01-01T00:00:00.000Z';
const NAMES = ['preflight', 'prepare', 'route-canary', ROUTE_ALL, 'certify', COMPLETE, 'remove'];
const UNDOABLE = new Set(['prepare', 'route-canary', ROUTE_ALL]);

function newRun(patch: Partial<RunRecord> = {}): RunWithSteps {
  const run: RunRecord = {
    id: 'run',
    plan: 'plan',
    link: 'COMM-010',
    consumer: '',
    consumers: ['hiring'],
    others: [],
    producer: 'assessments',
    from: { transport: 'sync', version: 0 },
    to: { transport: 'async', version: 0 },
    wayBack: 'keep',
    isStepByStep: false,
    isHeld: true,
    settings: parseSettings({}),
    actor: 'test',
    state: 'planned',
    direction: 'forward',
    endsAs: 'rolled_back',
    problem: '',
    waiting: null,
    memory: {},
    revision: 1n,
    startedAt: AT,
    endedAt: null,
    ...patch,
  };
  const steps = NAMES.map(
    (name, position): StepRecord => ({
      name,
      position,
      title: name,
      number: '1',
      kind: name === COMPLETE ? 'gate' : 'step',
      undo: UNDOABLE.has(name) ? 'undo it' : '',
      state: 'pending',
      checkpoint: {},
      done: 0,
      total: 0,
      startedAt: null,
      endedAt: null,
    }),
  );
  return { run, steps };
}

/** The record after a change, as the journal keeps it. */
function after({ run, steps }: RunWithSteps, change: life.Change): RunWithSteps {
  const patches = new Map(change.steps?.map(({ position, patch }) => [position, patch]));
  return {
    run: { ...run, ...change.run, revision: run.revision + 1n },
    steps: steps.map((step) => ({ ...step, ...patches.get(step.position) })),
  };
}

/** What an engine does with steps that succeed; `fails` names one that does not. */
function engineTurn(
  current: RunWithSteps,
  fails?: string,
  kind: 'fail' | 'stop' = 'fail',
): RunWithSteps {
  const action = life.nextAction(current);
  if (action.kind === 'begin') return after(current, life.begin());
  if (action.kind === 'end') return after(current, life.end(current.run, AT));
  if (action.kind === 'none') return current;
  const step = current.steps[action.position]!;
  if (action.kind === 'undo') {
    const undoing = after(current, life.startUndo(step, AT));
    return after(undoing, life.finishUndo(step.position, AT));
  }
  const started = after(current, life.startStep(step, AT));
  if (step.name === COMPLETE) return after(started, life.askToComplete(started.run, AT));
  if (step.name === fails) {
    const why = { kind, problem: 'no' };
    return after(started, life.failStep(started, step.position, why, AT));
  }
  return after(started, life.finishStep(started, step.position, AT));
}

function runUntilIdle(current: RunWithSteps, fails?: string): RunWithSteps {
  let now = current;
  while (life.nextAction(now).kind !== 'none') now = engineTurn(now, fails);
  return now;
}

const orders: Record<string, (current: RunWithSteps) => life.Change> = {
  approve: life.approve,
  pause: (current) => life.pause(current, AT),
  resume: life.resume,
  rollback: (current) => life.rollBack(current, 'test'),
  cancel: (current) =>
    life.cancel(
      current,
      current.steps.some((step) => step.name.startsWith('route') && step.state !== 'pending'),
      'test',
    ),
  complete: (current) => life.complete(current, 'COMM-010', AT),
};

function give(current: RunWithSteps, order: string): RunWithSteps {
  return after(current, orders[order]!(current));
}

const isRefusal = (error: unknown) => error instanceof MigrationError && error.code === 'RUN_STATE';

describe('a run', () => {
  it('goes from planned to waiting for complete, and on to completed', () => {
    const waiting = runUntilIdle(newRun());
    assert.equal(waiting.run.state, 'waiting');
    assert.equal(waiting.run.waiting?.gate, 'complete');
    const ended = runUntilIdle(give(waiting, 'complete'));
    assert.equal(ended.run.state, 'completed');
    assert.ok(ended.steps.every(({ state }) => state === 'done'));
  });

  it('waits for a person after every step when it goes step by step', () => {
    let now = runUntilIdle(newRun({ isStepByStep: true }));
    for (const name of NAMES.slice(1, NAMES.indexOf(COMPLETE))) {
      assert.deepEqual([now.run.state, now.run.waiting?.gate], ['waiting', 'approve']);
      assert.equal(now.run.waiting?.threshold, `before ${name}`);
      now = runUntilIdle(give(now, 'approve'));
    }
    assert.equal(now.run.waiting?.gate, 'complete');
    assert.throws(() => give(now, 'approve'), isRefusal);
  });

  it('goes back when a step fails, undoing the last step first', () => {
    const failed = engineTurn(engineTurn(engineTurn(newRun())));
    const back = runUntilIdle(failed, 'route-canary');
    assert.equal(back.run.state, 'rolled_back');
    assert.equal(back.run.problem, 'route-canary: no');
    assert.deepEqual(
      back.steps.map(({ state }) => state),
      ['undone', 'undone', 'undone', 'pending', 'pending', 'pending', 'pending'],
    );
  });

  it('has failed when the first step fails and nothing was changed', () => {
    const { run } = runUntilIdle(newRun(), 'preflight');
    assert.deepEqual([run.state, run.endedAt], ['failed', AT]);
  });

  it('pauses when a step fails after the way back was given up', () => {
    const { run } = runUntilIdle(newRun({ wayBack: 'none' }), 'certify');
    assert.equal(run.state, 'paused');
    assert.match(run.problem, /way back was given up/);
  });

  it('does not go back after complete', () => {
    const completed = give(runUntilIdle(newRun()), 'complete');
    assert.throws(() => give(completed, 'rollback'), isRefusal);
  });

  it('tries a failed step again from its beginning when it is resumed', () => {
    const settings = parseSettings({ on_fail: 'pause' });
    const paused = runUntilIdle(newRun({ settings }), 'certify');
    assert.equal(paused.run.state, 'paused');
    const resumed = give(paused, 'resume');
    assert.equal(resumed.run.state, 'running');
    assert.equal(runUntilIdle(resumed).run.waiting?.gate, 'complete');
  });

  it('undoes what failed and was to be tried again, when it is rolled back before that', () => {
    const settings = parseSettings({ on_fail: 'pause' });
    const resumed = give(runUntilIdle(newRun({ settings }), 'route-canary'), 'resume');
    assert.throws(() => give(resumed, 'cancel'), isRefusal);
    const { run, steps } = runUntilIdle(give(resumed, 'rollback'));
    const canary = steps.find(({ name }) => name === 'route-canary');
    assert.deepEqual([run.state, canary?.state], ['rolled_back', 'undone']);
  });

  it('keeps what it waits for over a pause', () => {
    const waiting = runUntilIdle(newRun());
    const resumed = give(give(waiting, 'pause'), 'resume');
    assert.deepEqual(resumed.run.waiting, waiting.run.waiting);
    assert.equal(resumed.run.state, 'waiting');
  });

  it('waits to be resumed since it was paused, whoever paused it', () => {
    const settings = parseSettings({ on_fail: 'pause' });
    for (const paused of [
      give(runUntilIdle(newRun()), 'pause'),
      runUntilIdle(newRun({ settings }), 'certify'),
    ]) {
      const { gate, since } = paused.run.waiting!;
      assert.deepEqual([gate, since], ['resume', AT]);
    }
  });

  it('says why it goes back also after a pause on the way', () => {
    const failing = give(runUntilIdle(newRun()), 'rollback');
    const resumed = give(give(engineTurn(failing), 'pause'), 'resume');
    assert.equal(resumed.run.problem, 'rolled back by test');
    assert.equal(runUntilIdle(resumed).run.problem, 'rolled back by test');
  });

  it('sends nobody to an order that is refused once complete was given', () => {
    const from = { transport: 'async', version: 0 } as const;
    const versions = { from, to: { ...from, version: 1 }, plan: 'formal-version' };
    const waiting = runUntilIdle(newRun(versions));
    assert.match(life.howItEnds(waiting.run), /relink complete run or relink rollback run/);
    const completing = give(waiting, 'complete');
    const said = /the way back was given up by complete, and it removes what only v0 needs/;
    for (const order of ['cancel', 'rollback'])
      assert.throws(() => give(completing, order), { code: 'RUN_STATE', message: said });
    assert.match(life.howItEnds(completing.run), said);
    assert.doesNotMatch(life.howItEnds(completing.run), /relink (complete|rollback)/);
    const ended = runUntilIdle(completing);
    for (const order of ['cancel', 'rollback'])
      assert.throws(() => give(ended, order), { message: /what v0 needs was removed/ });
  });

  it('says of a run that goes back to wait for its end', () => {
    const back = give(runUntilIdle(newRun()), 'rollback');
    assert.equal(life.howItEnds(back.run), 'it goes back, wait for its end: relink status run');
    const paused: RunRecord = { ...back.run, state: 'paused' };
    assert.equal(life.howItEnds(paused), 'it goes back, and is paused: relink resume run');
  });

  it('goes back because of the order that said so, also when it had stopped before', () => {
    const settings = parseSettings({ on_fail: 'pause' });
    const stopped = runUntilIdle(newRun({ settings }), 'certify');
    assert.equal(stopped.run.problem, 'certify: no');
    const change = orders.rollback!(stopped);
    assert.equal(change.run!.problem, 'rolled back by test');
    const [kept] = change.evidence!;
    assert.deepEqual([kept!.what, kept!.value], ['stopped by', 'certify: no']);
    assert.equal(kept!.position, NAMES.indexOf('certify'));
    assert.equal(runUntilIdle(after(stopped, change)).run.problem, 'rolled back by test');
  });

  it('says why it goes back also after an undo that failed on the way', () => {
    const failing = runUntilIdle(newRun());
    const step = failing.steps.find(({ name }) => name === ROUTE_ALL)!;
    const back = after(give(failing, 'rollback'), life.startUndo(step, AT));
    const stuck = after(back, life.failUndo(step, 'no answer', AT));
    assert.match(stuck.run.problem, /^undoing route-all: no answer/);
    for (const order of ['resume', 'rollback'])
      assert.equal(give(stuck, order).run.problem, 'rolled back by test');
  });

  it('goes back because of its step when that failed', () => {
    const back = runUntilIdle(newRun(), 'certify');
    assert.equal(back.run.problem, 'certify: no');
  });

  it('looks anew, when it is resumed, at what stopped it on the way back', () => {
    const back = give(runUntilIdle(newRun()), 'rollback');
    const since = '2026-01-01T00:00:01.000Z';
    for (const order of ['resume', 'rollback']) {
      const step = back.steps.find(({ name }) => name === ROUTE_ALL)!;
      let now = after(back, life.startUndo(step, since));
      const expected = { back: { hiring: 3 }, undoSinceMs: Date.parse(since) };
      now = after(now, life.progressed(now.run, step.position, expected));
      now = after(now, life.failUndo(now.steps[step.position]!, 'the epoch is 4', AT));
      const { steps, run } = give(now, order);
      assert.equal(run.state, 'rolling_back');
      assert.deepEqual(steps[step.position]!.checkpoint, { undoSinceMs: Date.parse(since) });
    }
  });

  it('forgets after a pause what a gate waited for: the gate says it again', () => {
    const begun = engineTurn(newRun());
    const waiting = { gate: 'lag', value: '9 s', threshold: '5 s', since: '2025-01-01T00:00:00Z' };
    const resumed = give(give(after(begun, { run: { waiting } }), 'pause'), 'resume');
    assert.deepEqual([resumed.run.state, resumed.run.waiting], ['running', null]);
  });

  it('waits for a call that does not get through until its step gets further', () => {
    const [begun, later] = [engineTurn(newRun()), '2026-01-01T00:00:09.000Z'];
    const started = after(begun, life.startStep(begun.steps[0]!, AT));
    const once = after(started, life.retried(started.run, 0, 'hiring: no answer', AT));
    const change = life.retried(once.run, 0, 'hiring: DEADLINE_EXCEEDED', later);
    assert.deepEqual(
      [change.evidence![0]!.what, change.evidence![0]!.value],
      ['retried after', 'hiring: DEADLINE_EXCEEDED'],
    );
    const twice = after(once, change);
    const { gate, value, since } = twice.run.waiting!;
    assert.deepEqual([gate, value, since], ['retry', 'hiring: DEADLINE_EXCEEDED', AT]);
    for (const further of [
      life.progressed(twice.run, 0, { page: 2 }),
      life.finishStep(twice, 0, later),
      life.finishUndo(0, later),
    ])
      assert.equal(after(twice, further).run.waiting, null);
  });

  it('ends as cancelled when it is cancelled before traffic moved', () => {
    let now = engineTurn(engineTurn(engineTurn(newRun())));
    now = runUntilIdle(give(now, 'cancel'));
    assert.equal(now.run.state, 'cancelled');
    assert.throws(() => give(runUntilIdle(newRun()), 'cancel'), isRefusal);
  });

  it('ends, whatever is ordered in whatever order, and never half done', () => {
    const anyTurn = fc.constantFrom('engine', 'engine', 'fail', 'stop', ...Object.keys(orders));
    fc.assert(
      fc.property(fc.array(anyTurn, { maxLength: 60 }), fc.boolean(), (turns, isStepByStep) => {
        let now = newRun({ isStepByStep });
        const begun = new Set<number>();
        const turn = (one: string) => {
          now = tryTurn(now, one);
          for (const { position, state } of now.steps) if (state !== 'pending') begun.add(position);
        };
        for (const one of turns) turn(one);
        assertConsistent(now);
        for (let i = 0; i < 100 && !isEnded(now.run); i += 1)
          for (const one of ['engine', 'resume', 'approve', 'complete']) turn(one);
        assert.ok(isEnded(now.run), now.run.state);
        assertConsistent(now);
        assertNothingLeft(now, begun);
      }),
      { numRuns: 500 },
    );
  });
});

/** A run that went back has undone whatever it ever began: it may have had effects. */
function assertNothingLeft({ run, steps }: RunWithSteps, begun: ReadonlySet<number>): void {
  if (run.state !== 'rolled_back' && run.state !== 'cancelled') return;
  for (const position of begun) assert.equal(steps[position]!.state, 'undone');
}

function tryTurn(current: RunWithSteps, turn: string): RunWithSteps {
  if (turn === 'engine') return engineTurn(current);
  if (turn === 'fail' || turn === 'stop') {
    const action = life.nextAction(current);
    const name = action.kind === 'apply' ? NAMES[action.position] : undefined;
    return engineTurn(current, name, turn);
  }
  try {
    return give(current, turn);
  } catch (error) {
    assert.ok(isRefusal(error));
    return current;
  }
}

/** Done steps come first; a run that ended well has done all, one that went back has done none. */
function assertConsistent({ run, steps }: RunWithSteps): void {
  const states = steps.map(({ state }) => state);
  const firstAhead = states.indexOf('pending');
  if (firstAhead >= 0 && run.direction === 'forward')
    assert.ok(states.slice(firstAhead).every((state) => state !== 'done'));
  if (run.state === 'completed') assert.ok(states.every((state) => state === 'done'));
  if (run.state === 'rolled_back' || run.state === 'cancelled')
    assert.ok(states.every((state) => state === 'undone' || state === 'pending'));
  assert.equal(run.endedAt !== null, isEnded(run));
}
