/** Every change of a run's state that migration/run/ can decide, found by asking it. */
import { COMPLETE, ROUTE_ALL } from '../../migration/plan.ts';
import * as life from '../../migration/run/life.ts';
import type {
  RunRecord,
  RunState,
  RunWithSteps,
  StepRecord,
  Waiting,
} from '../../migration/run/record.ts';
import { parseSettings } from '../../migration/settings.ts';
import type { Edge } from './pages.ts';

const AT = '2026-01-01T00:00:00.000Z';
const LINK = 'COMM-010';

export const RUN_STATES = [
  'planned',
  'running',
  'waiting',
  'paused',
  'rolling_back',
  'rolled_back',
  'completed',
  'failed',
  'cancelled',
] as const satisfies readonly RunState[];

/** The transitions, each once. */
export function runTransitions(): Edge[] {
  const found = new Map<string, Edge>();
  for (const current of situations())
    for (const decide of decisions(current)) {
      const to = stateAfter(decide);
      const from = current.run.state;
      if (to && to !== from) found.set(`${from} ${to}`, { from, to });
    }
  return [...found.values()];
}

/** Undefined when the run is left in its state, or the order is refused. */
function stateAfter(decide: () => life.Change): RunState | undefined {
  try {
    return decide().run?.state;
  } catch {
    return undefined;
  }
}

/** What a person may order in any state, and what the engine records in those it acts in. */
function decisions(current: RunWithSteps): (() => life.Change)[] {
  const { run, steps } = current;
  const orders = [
    () => life.approve(current),
    () => life.pause(current, AT),
    () => life.resume(current),
    () => life.rollBack(current, 'ada'),
    () => life.cancel(current, false, 'ada'),
    () => life.complete(current, LINK, AT),
  ];
  const action = life.nextAction(current);
  if (action.kind === 'begin') return [...orders, () => life.begin()];
  if (action.kind === 'end') return [...orders, () => life.end(run, AT)];
  if (action.kind === 'none') return orders;
  const { position } = action;
  const problem = { problem: 'broken' };
  const acts =
    action.kind === 'undo'
      ? [() => life.failUndo(steps[position]!, 'broken', AT)]
      : [
          () => life.finishStep(current, position, AT),
          () => life.askToComplete(run, AT),
          () => life.failStep(current, position, { kind: 'fail', ...problem }, AT),
          () => life.failStep(current, position, { kind: 'stop', ...problem }, AT),
        ];
  return [...orders, ...acts];
}

function* situations(): Generator<RunWithSteps> {
  for (const state of RUN_STATES)
    for (const direction of directionsOf(state))
      for (const done of [0, 1, 2, 3])
        for (const gate of state === 'paused' ? ['resume', 'resumed'] : ['approve', 'complete'])
          for (const endsAs of ['rolled_back', 'cancelled'] as const)
            yield {
              run: runOf({ state, direction, endsAs, waiting: waitingFor(gate) }),
              steps: stepsOf(done, direction),
            };
}

function directionsOf(state: RunState): RunRecord['direction'][] {
  if (state === 'paused') return ['forward', 'back'];
  return ['rolling_back', 'rolled_back', 'cancelled'].includes(state) ? ['back'] : ['forward'];
}

/** `resumed`: paused while a person was asked. */
function waitingFor(gate: string): Waiting {
  const waiting = { gate, value: '', threshold: '', since: AT };
  return gate === 'resumed'
    ? { ...waiting, gate: 'resume', before: { ...waiting, gate: 'approve' } }
    : waiting;
}

function stepsOf(done: number, direction: RunRecord['direction']): StepRecord[] {
  const isBack = direction === 'back';
  return ['prepare-stream', ROUTE_ALL, COMPLETE].map((name, position) => ({
    ...{ position, name, title: name, number: '1', kind: 'step' as const, undo: 'undone' },
    ...{ checkpoint: {}, done: 0, total: 0, startedAt: AT, endedAt: null },
    state: position < done ? (isBack && done === 3 ? 'undone' : 'done') : 'pending',
  }));
}

function runOf(some: Pick<RunRecord, 'state' | 'direction' | 'endsAs' | 'waiting'>) {
  const route = { transport: 'sync' as const, version: 0 };
  const run: RunRecord = {
    ...{ id: 'r', plan: 'p', link: LINK, consumer: '', consumers: ['hiring'], producer: 'a' },
    ...{
      others: [],
      from: route,
      to: { ...route, transport: 'async' as const },
      wayBack: 'keep' as const,
    },
    ...{ isStepByStep: true, isHeld: true, settings: parseSettings({}), actor: 'ada' },
    ...{ problem: '', memory: {}, revision: 1n, startedAt: AT, endedAt: null },
    ...some,
  };
  return run;
}
