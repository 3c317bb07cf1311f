/**
 * The life of a run as pure decisions: from a run, its steps and an event to the change that has to be
 * recorded. Nothing here reads a clock, a database or a network.
 *
 *   planned → running ⇄ waiting (for a person: approve, complete)
 *      running, waiting → paused → running
 *      running → completed
 *      planned, running, waiting, paused → rolling_back ⇄ paused → rolled_back | cancelled
 *      running → failed (nothing was changed yet, so there is nothing to undo)
 */
import { MigrationError, type StepProblem } from '../errors.ts';
import { COMPLETE, type PlanStep, ROUTE_ALL } from '../plan.ts';
import { knowsOfAny, memoryForAll, nameLinks } from './links.ts';
import {
  type EvidenceRecord,
  isEnded,
  type JsonObject,
  type Progress,
  type RunRecord,
  type RunWithSteps,
  type StepRecord,
  type Waiting,
} from './record.ts';

export type RunPatch = Partial<
  Pick<RunRecord, 'state' | 'direction' | 'endsAs' | 'problem' | 'waiting' | 'memory' | 'endedAt'>
>;
export type StepPatch = Partial<
  Pick<StepRecord, 'state' | 'checkpoint' | 'done' | 'total' | 'startedAt' | 'endedAt'>
>;

/** What one transaction of the journal records. */
export interface Change {
  readonly run?: RunPatch;
  readonly steps?: readonly { readonly position: number; readonly patch: StepPatch }[];
  readonly evidence?: readonly EvidenceRecord[];
}

export type Action =
  | { readonly kind: 'none' }
  | { readonly kind: 'begin' }
  | { readonly kind: 'apply'; readonly position: number }
  | { readonly kind: 'undo'; readonly position: number }
  | { readonly kind: 'end' };

/** What the engine does next. */
export function nextAction({ run, steps }: RunWithSteps): Action {
  if (run.state === 'planned') return { kind: 'begin' };
  if (run.state === 'running') {
    const next = steps.find((step) => step.state !== 'done');
    return next ? { kind: 'apply', position: next.position } : { kind: 'end' };
  }
  if (run.state !== 'rolling_back') return { kind: 'none' };
  const last = steps.findLast((step) => step.state !== 'pending' && step.state !== 'undone');
  return last ? { kind: 'undo', position: last.position } : { kind: 'end' };
}

// ---- what the engine records ----

export function begin(): Change {
  return { run: { state: 'running' } };
}

export function startStep(step: StepRecord, at: string): Change {
  return {
    steps: [
      { position: step.position, patch: { state: 'running', startedAt: step.startedAt ?? at } },
    ],
  };
}

/** The step is done; a run that goes step by step waits for a person before the next one. */
export function finishStep({ run, steps }: RunWithSteps, position: number, at: string): Change {
  const next = steps[position + 1];
  const asks = run.isStepByStep && next !== undefined && next.name !== COMPLETE;
  const waiting = { gate: 'approve', value: '', threshold: `before ${next?.name}`, since: at };
  return {
    run: {
      waiting: asks ? waiting : null,
      ...(asks ? { state: 'waiting' as const } : {}),
    },
    steps: [{ position, patch: { state: 'done', endedAt: at } }],
  };
}

/** The run waits for a person to say `complete`. */
export function askToComplete(run: RunRecord, at: string): Change {
  const waiting = { gate: 'complete', value: '', threshold: run.link, since: at };
  return { run: { state: 'waiting', waiting } };
}

/**
 * A step or gate failed. `fail` goes back, unless `on_fail` is `pause` or the way back was given up;
 * `stop` pauses.
 */
export function failStep(
  current: RunWithSteps,
  position: number,
  why: { kind: StepProblem['kind']; problem: string },
  at: string,
): Change {
  const { run, steps } = current;
  const failed = { position, patch: { state: 'failed' as const, endedAt: at } };
  const problem = `${steps[position]!.name}: ${why.problem}`;
  const isUndoable = steps.some((step) => step.undo !== '' && step.state !== 'pending');
  const paused = { state: 'paused' as const, waiting: untilResumed(at) };
  if (why.kind === 'strayed') return { run: stray(run, problem, at).run!, steps: [failed] };
  if (why.kind === 'stop' || run.settings.on_fail === 'pause')
    return { run: { ...paused, problem }, steps: [failed] };
  if (!isUndoable)
    return { run: { state: 'failed', problem, waiting: null, endedAt: at }, steps: [failed] };
  if (isWayBackGone(current))
    return {
      run: { ...paused, problem: `${problem}; the way back was given up` },
      steps: [failed],
    };
  return { ...turnBack(run, problem), steps: [failed] };
}

/** Why a run goes back is decided here, and stays; what stopped it before is evidence of its step. */
function turnBack(run: RunRecord, why: string): Change {
  const memory = { ...run.memory, [WHY]: why };
  return { run: { state: 'rolling_back', direction: 'back', waiting: null, problem: why, memory } };
}

/** In the memory of a run. */
const WHY = 'why';

/** Lanes are not where the run put them: it stops until a person decides. */
export function stray(run: RunRecord, problem: string, at: string): Change {
  const memory = { ...run.memory, strayed: true };
  return { run: { state: 'paused', waiting: untilResumed(at), problem, memory } };
}

export function startUndo({ position, checkpoint }: StepRecord, at: string): Change {
  const undoSinceMs = Date.parse(at);
  const patch = { state: 'undoing' as const, checkpoint: { ...checkpoint, undoSinceMs } };
  return { run: { waiting: null }, steps: [{ position, patch }] };
}

export function finishUndo(position: number, at: string): Change {
  return {
    run: { waiting: null },
    steps: [{ position, patch: { state: 'undone', endedAt: at } }],
  };
}

/** Going back cannot continue by itself: a person has to look. */
export function failUndo(step: StepRecord, problem: string, at: string): Change {
  const waiting = untilResumed(at);
  return { run: { state: 'paused', waiting, problem: `${UNDOING}${step.name}: ${problem}` } };
}

function untilResumed(at: string, before?: Waiting): Waiting {
  const waiting = { gate: 'resume', value: '', threshold: '', since: at };
  return before ? { ...waiting, before } : waiting;
}

export function end(run: RunRecord, at: string): Change {
  const state = run.direction === 'forward' ? 'completed' : run.endsAs;
  return { run: { state, waiting: null, endedAt: at } };
}

/** Whatever had to be repeated has got through then. */
export function progressed(
  { waiting }: RunRecord,
  position: number,
  checkpoint: JsonObject,
  progress?: Progress,
): Change {
  const steps = [{ position, patch: { checkpoint, ...progress } }];
  return waiting?.gate === RETRY ? { steps, run: { waiting: null } } : { steps };
}

/** A call of the step does not get through, and is repeated: the run waits for that. */
export function retried({ waiting }: RunRecord, position: number, why: string, at: string): Change {
  const since = waiting?.gate === RETRY ? waiting.since : at;
  const evidence = { position, what: 'retried after', verdict: '' as const, value: why };
  return {
    run: { waiting: { gate: RETRY, value: why, threshold: '', since } },
    evidence: [{ ...evidence, threshold: '' }],
  };
}

const RETRY = 'retry';

// ---- what a person may order ----

/** Whether any traffic goes by the new route already. */
export function hasMoved(steps: readonly StepRecord[], plan: readonly PlanStep[]): boolean {
  return steps.some((step) => step.state !== 'pending' && plan[step.position]?.movesTraffic);
}

/** With `--way-back none` there is no way back once the last lanes have begun to move. */
export function isWayBackGone({ run, steps }: RunWithSteps): boolean {
  const isAllMoved = steps.some((step) => step.name === ROUTE_ALL && step.state !== 'pending');
  return isCompleting(steps) || (run.wayBack === 'none' && isAllMoved);
}

function isCompleting(steps: readonly StepRecord[]): boolean {
  return steps.some((step) => step.name === COMPLETE && step.state === 'done');
}

export function approve({ run }: RunWithSteps): Change {
  if (run.state === 'waiting' && run.waiting?.gate === 'approve')
    return { run: { state: 'running', waiting: null } };
  if (run.state === 'waiting')
    throw refused(run, `it waits for ${run.waiting?.gate}: relink complete ${run.id}`);
  throw refused(run, 'there is nothing to approve');
}

export function pause({ run }: RunWithSteps, at: string): Change {
  if (run.state === 'paused') return {};
  if (isEnded(run)) throw refused(run, 'it has ended');
  const asked = run.state === 'waiting' ? (run.waiting ?? undefined) : undefined;
  return { run: { state: 'paused', waiting: untilResumed(at, asked) } };
}

/** `firstMove` is the position of the plan's first step that moves traffic. */
export function resume(current: RunWithSteps, firstMove = 0): Change {
  const { run, steps } = current;
  if (run.state !== 'paused') throw refused(run, 'only a paused run can be resumed');
  if (run.direction === 'back') return goBackOn(current);
  if (run.memory.strayed) return moveAgain(current, firstMove);
  // What failed is tried again with its full time. It stays failed until the engine begins: it may have
  // had effects, and a rollback in between has to undo them.
  const failed = steps.filter((step) => step.state === 'failed');
  const again = failed.map(({ position }) => ({
    position,
    patch: { checkpoint: {}, startedAt: null, endedAt: null },
  }));
  const waiting = run.waiting?.before ?? null;
  return { run: { state: waiting ? 'waiting' : 'running', problem: '', waiting }, steps: again };
}

/** Exactly what differed when the run stopped may be certified as an exception. */
export function accept({ run }: RunWithSteps, resumed: Change, by: string, reason: string): Change {
  const memory = { ...run.memory, ...resumed.run?.memory };
  if (!knowsOfAny(run, 'differing'))
    throw refused(run, 'it did not stop because of differences: resume it without accepting any');
  const accepted = memoryForAll({ ...run, memory }, { accepted: { by, reason } });
  return { ...resumed, run: { ...resumed.run, memory: { ...memory, ...accepted } } };
}

/**
 * Lanes were moved by something else: every step since the first move is done again, so that each stage
 * is watched again. They stay `failed` until then, because a rollback has to undo them. What was
 * given up by `complete` stays given up.
 */
function moveAgain({ run, steps }: RunWithSteps, firstMove: number): Change {
  const complete = steps.findIndex(({ name }) => name === COMPLETE);
  const isAgain = ({ position, state }: StepRecord) =>
    state === 'failed' || (state === 'done' && position >= firstMove && position < complete);
  const patch = { state: 'failed' as const, checkpoint: {}, startedAt: null, endedAt: null };
  const forgotten = memoryForAll(run, { moved: {}, readings: {} });
  const memory = { ...run.memory, ...forgotten, strayed: false };
  return {
    run: { state: 'running', problem: '', waiting: null, memory },
    steps: steps.filter(isAgain).map(({ position }) => ({ position, patch })),
  };
}

/**
 * The reason for going back is said again; what stopped on the way is tried again. Its expectation is
 * forgotten: a person has looked at what else changed, and the old one would stop the run for ever.
 */
function goBackOn({ run, steps }: RunWithSteps): Change {
  const known = run.problem.startsWith(UNDOING) ? '' : run.problem; // before reasons were kept
  const problem = String(run.memory[WHY] ?? known);
  const undoing = steps.filter((step) => step.state === 'undoing');
  const again = undoing.map(({ position, checkpoint: { undoSinceMs = null } }) => ({
    position,
    patch: { checkpoint: { undoSinceMs } },
  }));
  return { run: { state: 'rolling_back', problem, waiting: null }, steps: again };
}

const UNDOING = 'undoing ';

/** What the run moves its links away from. */
function oldOf({ from, to }: RunRecord): string {
  return from.transport === to.transport ? `v${from.version}` : from.transport;
}

/** After `complete`, going back is a move of its own. */
function howToReturn(run: RunRecord): string {
  const { state, plan, link, from, to } = run;
  if (state !== 'completed') return 'it has ended';
  if (plan.startsWith('formal-') && from.version < to.version)
    return `it has ended, and what v${from.version} needs was removed`;
  const leg = run.consumer === '' ? '' : ` --consumer ${run.consumer}`;
  return `it has ended; go back with: relink start ${link} --to ${oldOf(run)} --way-back keep${leg}`;
}

/** What lets a live run's links go, for whoever waits for them. */
export function howItEnds(run: RunRecord): string {
  const { id, direction, memory, wayBack, state } = run;
  const isPaused = state === 'paused';
  const until = isPaused
    ? `and is paused: relink resume ${id}`
    : `wait for its end: relink status ${id}`;
  if (direction === 'back') return `it goes back, ${until}`;
  if (memory.completed) return `${givenUp(run)}, ${until}`;
  if (wayBack === 'none') return `it ends with relink complete ${id}`;
  return `it ends with relink complete ${id} or relink rollback ${id}`;
}

function givenUp(run: RunRecord): string {
  return `the way back was given up by complete, and it removes what only ${oldOf(run)} needs`;
}

function refuseWithoutWayBack(current: RunWithSteps): void {
  const { run, steps } = current;
  if (isCompleting(steps)) throw refused(run, `${givenUp(run)}: relink status ${run.id}`);
  if (isWayBackGone(current))
    throw refused(run, 'it was started with --way-back none and all lanes have moved');
}

export function rollBack(current: RunWithSteps, actor: string): Change {
  const { run } = current;
  if (isEnded(run)) throw refused(run, howToReturn(run));
  if (run.direction === 'back') {
    return run.state === 'paused' ? goBackOn(current) : {};
  }
  refuseWithoutWayBack(current);
  return turnBackByOrder(current, `rolled back by ${actor}`);
}

/** The order is why, also of a run that had stopped. */
function turnBackByOrder({ run, steps }: RunWithSteps, why: string): Change {
  if (run.problem === '') return turnBack(run, why);
  const failed = steps.find(({ state }) => state === 'failed');
  const reached = failed ?? steps.findLast(({ state }) => state !== 'pending');
  const position = reached?.position ?? 0;
  const stopped = { position, what: 'stopped by', value: run.problem };
  const evidence = [{ ...stopped, verdict: '' as const, threshold: '' }];
  return { ...turnBack(run, why), evidence };
}

export function cancel(current: RunWithSteps, isMoved: boolean, actor: string): Change {
  const { run } = current;
  if (isEnded(run)) throw refused(run, howToReturn(run));
  if (run.direction === 'back') throw refused(run, 'it is going back already');
  refuseWithoutWayBack(current);
  if (isMoved)
    throw refused(run, `traffic has moved already; to undo that: relink rollback ${run.id}`);
  const { run: patch, ...rest } = turnBackByOrder(current, `cancelled by ${actor}`);
  return { ...rest, run: { ...patch, endsAs: 'cancelled' } };
}

function notCompletable(run: RunRecord, steps: readonly StepRecord[]): string {
  if (isCompleting(steps)) return 'it has been completed already';
  return (run.state === 'paused' && run.problem) || 'it has not reached that point yet';
}

export function complete({ run, steps }: RunWithSteps, confirm: string, at: string): Change {
  if (run.state !== 'waiting' || run.waiting?.gate !== 'complete') {
    throw refused(run, `${notCompletable(run, steps)}; relink status ${run.id} says what to do`);
  }
  if (confirm !== run.link)
    throw new MigrationError(
      'CONFIRMATION_WRONG',
      `completing gives up the way back of ${nameLinks(run)}: confirm with exactly ${run.link}`,
    );
  const step = steps.find((one) => one.name === COMPLETE)!;
  return {
    run: {
      state: 'running',
      waiting: null,
      memory: { ...run.memory, ...memoryForAll(run, { completed: true }) },
    },
    steps: [{ position: step.position, patch: { state: 'done', endedAt: at } }],
  };
}

function refused(run: RunRecord, why: string): MigrationError {
  return new MigrationError('RUN_STATE', `run ${run.id} is ${run.state}: ${why}`);
}
