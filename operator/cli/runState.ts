/** What the state of a run means to the person who looks at it. */
import type { RunStatus, RunStep } from '../../gen/relink/v1/operator_pb.ts';
import { EXIT, type ExitCode } from './exitCode.ts';

const ENDED = new Set(['completed', 'rolled_back', 'failed', 'cancelled']);
const NEEDS_PERSON = new Set(['waiting', 'paused']);

const EXIT_OF_STATE: Readonly<Record<string, ExitCode>> = {
  completed: EXIT.done,
  failed: EXIT.failed,
  cancelled: EXIT.failed,
  rolled_back: EXIT.rolledBack,
  waiting: EXIT.waiting,
  paused: EXIT.waiting,
};

/** Whether the run has ended. */
export function hasEnded({ run }: RunStatus): boolean {
  return ENDED.has(run?.state ?? '');
}

/** Whether the run has ended or waits for a person. */
export function isSettled(status: RunStatus): boolean {
  return hasEnded(status) || NEEDS_PERSON.has(status.run?.state ?? '');
}

/** The exit code of a command that followed a run to this state. */
export function exitCodeOf(status: RunStatus): ExitCode {
  const state = status.run?.state ?? '';
  if (STOPPED.has(state) && !hasFittingContract(status)) return EXIT.incompatible;
  return EXIT_OF_STATE[state] ?? EXIT.done;
}

const STOPPED = new Set(['failed', 'rolled_back', 'paused']);
/** The gate that compares the contracts of both sides. */
const CONTRACT_GATE = 'contract';

/** By the newest evidence: the gate itself may be undone by now, or tried again. */
function hasFittingContract({ steps }: RunStatus): boolean {
  const gate = steps.find(({ name }) => name === CONTRACT_GATE);
  const newest = new Map(gate?.evidence.map(({ what, verdict }) => [what, verdict]));
  return ![...newest.values()].includes('fail');
}

export type StepPhase = 'ahead' | 'now' | 'done' | 'undone' | 'failed' | 'skipped';

const PHASES: Readonly<Record<string, StepPhase>> = {
  '': 'ahead',
  pending: 'ahead',
  planned: 'ahead',
  running: 'now',
  waiting: 'now',
  paused: 'now',
  applied: 'now',
  undoing: 'now',
  rolling_back: 'now',
  done: 'done',
  passed: 'done',
  completed: 'done',
  undone: 'undone',
  rolled_back: 'undone',
  failed: 'failed',
  skipped: 'skipped',
};

/** Where a step stands. An unknown state of a newer operator shows as under way. */
export function phaseOf(step: RunStep): StepPhase {
  return PHASES[step.state] ?? 'now';
}

/** The same in its run: the gate at which a run turned back is left for good. */
export function phaseIn(status: RunStatus, step: RunStep): StepPhase {
  const isLeft = step.kind === 'gate' && step.state !== 'undoing' && isGoingBack(status);
  const phase = phaseOf(step);
  return isLeft && phase === 'now' ? 'skipped' : phase;
}

/** The step that is under way, else the one that failed; undefined between steps. */
export function currentStep(status: RunStatus): RunStep | undefined {
  const inPhase = (phase: StepPhase) =>
    status.steps.find((step) => phaseIn(status, step) === phase);
  return inPhase('now') ?? (isGoingBack(status) ? undefined : inPhase('failed'));
}

/** A step's title without the number that stands beside it. */
export function titleOf({ title, number }: { title: string; number: string }): string {
  return title.startsWith(`${number}. `) ? title.slice(number.length + 2) : title;
}

/** Whether nothing can be undone any more: completed, or moved by a run without a way back. */
export function isWayBackGone({ run, steps }: RunStatus): boolean {
  const phaseAt = (name: string) => steps.filter((step) => step.name === name).map(phaseOf)[0];
  const areLanesMoving = (phaseAt('route-all') ?? 'ahead') !== 'ahead';
  return phaseAt('complete') === 'done' || (run?.wayBack === 'none' && areLanesMoving);
}

/** Whether the run goes back, or is paused while going back. */
export function isGoingBack(status: RunStatus): boolean {
  const { run, steps, waiting } = status;
  if (run?.state === 'rolling_back') return true;
  if (run?.state !== 'paused' || isWayBackGone(status)) return false;
  const isBegun = steps.some((step) => step.state === 'undoing' || phaseOf(step) === 'undone');
  // Where nothing is undone yet: only a run that goes back can no longer be told to.
  return isBegun || (waiting?.gate === 'resume' && waiting.undo === '');
}

/**
 * What comes after the step under way: forward the first one not begun, or the one that a paused
 * run stopped at; going back the last one that is still to be undone.
 */
export function nextStep(status: RunStatus): RunStep | undefined {
  const { run, steps } = status;
  if (!isGoingBack(status)) {
    const stopped = run?.state === 'paused' ? currentStep(status) : undefined;
    return stopped ?? steps.find((step) => phaseOf(step) === 'ahead');
  }
  const isPaused = run?.state === 'paused';
  return steps.findLast((step) => {
    const phase = phaseOf(step);
    const isLeft = phase === 'done' || phase === 'failed' || (isPaused && phase === 'now');
    return isLeft && step.undo !== '';
  });
}

/** The command that a waiting or paused run needs to continue; undefined when it needs none. */
export function commandToGoOn({ run, waiting }: RunStatus, id: string): string | undefined {
  if (run?.state === 'paused') return `relink resume ${id}`;
  if (run?.state !== 'waiting') return undefined;
  if (/complete/i.test(waiting?.gate ?? '')) return `relink complete ${id} --confirm ${run.link}`;
  return `relink approve ${id}`;
}
