/**
 * Works on one run: reads its record, takes the next action, records the result, and repeats. The
 * failpoints name the places in each step where an engine may die.
 */

import { RpcCallError } from '../../rpc/client.ts';
import { messageOf } from '../../runtime/errors.ts';
import { declareFailpoints, failpoint } from '../../runtime/failpoints.ts';
import { isConnectionLost, isDatabaseUnavailable } from '../../runtime/postgres.ts';
import { pause } from '../../runtime/wake.ts';
import { MigrationError, StepProblem } from '../errors.ts';
import type { Plan, PlanStep } from '../plan.ts';
import { planOf } from '../plans/index.ts';
import * as life from '../run/life.ts';
import type { RunState, RunWithSteps } from '../run/record.ts';
import { stepPause } from '../stepPause.ts';
import { createContext, type RecordingContext, type WorkerOptions } from './context.ts';
import { watchGate } from './gatekeeper.ts';
import { isRepeatable } from './repeatable.ts';

declareFailpoints(
  'engine.before-step',
  'engine.before-apply',
  'engine.after-apply',
  'engine.after-record',
  'engine.before-undo',
  'engine.after-undo',
  'engine.after-undo-record',
  'engine.before-end',
);

/** Between two attempts of a step whose calls did not get through. */
const RETRY_MIN_MS = 100;
const RETRY_MAX_MS = 2_000;
/** While the engine's own database is unavailable. */
const DATABASE_PAUSE_MS = 250;

export type { WorkerOptions } from './context.ts';

export class RunWorker {
  readonly #id: string;
  readonly #options: WorkerOptions;
  readonly #stopping = new AbortController();
  #interrupted = new AbortController();
  /** The state of the run as this worker last knew it. */
  knownState: RunState | undefined;

  constructor(id: string, options: WorkerOptions) {
    this.#id = id;
    this.#options = options;
  }

  /** Stops for good; what is under way is not recorded. */
  stop(): void {
    this.#stopping.abort();
    this.#interrupted.abort();
  }

  /** The run was changed from outside: aborts what is under way and reads the record again. */
  interrupt(): void {
    this.#interrupted.abort();
  }

  /** Resolves when the run waits for a person or has ended. */
  async run(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      this.#interrupted = new AbortController();
      try {
        const current = await this.#options.journal.read(this.#id);
        this.knownState = current?.run.state;
        if (!current || !(await this.#doNext(current))) return;
      } catch (error) {
        if (isRunChanged(error)) continue;
        if (!isDatabaseUnavailable(error)) throw error;
        await pause(DATABASE_PAUSE_MS, this.#stopping.signal);
      }
    }
  }

  /** Returns whether there may be more to do. */
  async #doNext(current: RunWithSteps): Promise<boolean> {
    const action = life.nextAction(current);
    const { run } = current;
    if (action.kind === 'none') return false;
    if (action.kind === 'begin') {
      await this.#record(current, life.begin());
      return true;
    }
    if (action.kind === 'end') {
      await failpoint('engine.before-end');
      await this.#record(current, life.end(run, now()));
      return false;
    }
    const plan = planOf(run);
    const step = plan && this.#stepOf(plan, current, action.position);
    if (!step) {
      const problem =
        `this release does not know the plan ${run.plan} as the run was started with it; ` +
        'resume the run with the release that started it';
      await this.#record(current, { run: { state: 'paused', problem } });
      return false;
    }
    if (action.kind === 'apply') await this.#apply(current, step, action.position);
    else await this.#undo(current, step, action.position);
    return true;
  }

  #stepOf(plan: Plan, { steps }: RunWithSteps, position: number): PlanStep | undefined {
    const isSame = steps.every((step, at) => plan.steps[at]?.name === step.name);
    return isSame && plan.steps.length === steps.length ? plan.steps[position] : undefined;
  }

  // ---- forward ----

  async #apply(current: RunWithSteps, step: PlanStep, position: number): Promise<void> {
    await failpoint('engine.before-step');
    const record = current.steps[position]!;
    let started = current;
    if (record.state !== 'running')
      started = await this.#record(current, life.startStep(record, now()));
    if (step.kind === 'completion') {
      await this.#record(started, life.askToComplete(started.run, now()));
      return;
    }
    const context = createContext(started, position, this.#options, this.#interrupted.signal);
    try {
      await failpoint('engine.before-apply');
      if (step.kind === 'gate') await watchGate(step, context);
      if (step.kind === 'step')
        await this.#persist(context, position, async () => {
          await step.check?.(context);
          await step.apply(context);
          await step.verify?.(context);
        });
      await failpoint('engine.after-apply');
      await this.#record(context.current(), life.finishStep(context.current(), position, now()));
      await failpoint('engine.after-record');
    } catch (error) {
      const why = this.#problemOf(error);
      await this.#record(context.current(), life.failStep(context.current(), position, why, now()));
    }
  }

  // ---- back ----

  async #undo(current: RunWithSteps, step: PlanStep, position: number): Promise<void> {
    await failpoint('engine.before-undo');
    const record = current.steps[position]!;
    let started = current;
    if (record.state !== 'undoing')
      started = await this.#record(current, life.startUndo(record, now()));
    const context = createContext(started, position, this.#options, this.#interrupted.signal);
    try {
      if ('undo' in step && step.undo)
        await this.#persist(context, position, () => step.undo!(context));
      await failpoint('engine.after-undo');
      await this.#record(context.current(), life.finishUndo(position, now()));
      await failpoint('engine.after-undo-record');
    } catch (error) {
      const { problem } = this.#problemOf(error);
      await this.#record(context.current(), life.failUndo(record, problem, now()));
    }
  }

  /** Repeats what did not get through, for at most `retry_seconds`. */
  async #persist<T>(
    context: RecordingContext,
    position: number,
    work: () => Promise<T>,
  ): Promise<T> {
    const limitMs = context.run.settings.retry_seconds * 1_000;
    const untilMs = performance.now() + limitMs;
    for (let waitMs = RETRY_MIN_MS; ; waitMs = Math.min(waitMs * 2, RETRY_MAX_MS)) {
      try {
        context.signal.throwIfAborted();
        this.#options.lease.requireValid();
        return await work();
      } catch (error) {
        if (!isRepeatable(error) || performance.now() + waitMs > untilMs) throw error;
        await context.record(life.retried(context.run, position, messageOf(error), now()));
      }
      await stepPause(waitMs, context.signal);
    }
  }

  /** What to record of a failure. Rethrows what must not be recorded. */
  #problemOf(error: unknown): { kind: StepProblem['kind']; problem: string } {
    if (this.#stopping.signal.aborted)
      throw new MigrationError('LEASE_LOST', 'this engine is stopping', { cause: error });
    // An order interrupted the step: the record says what comes next.
    if (this.#interrupted.signal.aborted)
      throw new MigrationError('RUN_CHANGED', 'interrupted', { cause: error });
    if (error instanceof StepProblem) return { kind: error.kind, problem: error.message };
    if (error instanceof RpcCallError) return { kind: 'fail', problem: error.message };
    if (isConnectionLost(error) || isOwn(error)) throw error;
    this.#options.log.error({ err: error, run: this.#id }, 'a step failed');
    return { kind: 'fail', problem: messageOf(error) };
  }

  async #record(current: RunWithSteps, change: life.Change): Promise<RunWithSteps> {
    const { journal, lease, onChange } = this.#options;
    const recorded = await journal.record(current, change, lease.requireValid());
    this.knownState = recorded.run.state;
    onChange();
    return recorded;
  }
}

function now(): string {
  return new Date().toISOString();
}

function isRunChanged(error: unknown): boolean {
  return error instanceof MigrationError && error.code === 'RUN_CHANGED';
}

/** Errors of the engine itself and of failpoints, which are not the step's fault. */
function isOwn(error: unknown): boolean {
  return (
    (error instanceof MigrationError &&
      (error.code === 'LEASE_LOST' || error.code === 'RUN_CHANGED')) ||
    (error instanceof Error && error.name === 'FailpointError')
  );
}
