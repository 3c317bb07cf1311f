/**
 * The words of a plan: an ordered list of steps, which act, and gates, which wait for evidence; a
 * barrier acts only on the way back, and a completion waits for a person. All are code without state:
 * what they need to be resumed is in their checkpoint, what later ones need is in the run's memory.
 * Every `apply` and `undo` may be repeated at any time, because the engine may die between any two
 * statements.
 */
import type { JetStreamManager } from '@nats-io/jetstream';
import type { Log } from '../runtime/log.ts';
import type { CertificateStore } from './certificate.ts';
import type { Participants } from './participants.ts';
import type { JsonObject, Progress, RunRecord, StepRecord, Verdict } from './run/record.ts';
import type { NumberName } from './settings.ts';

/** Step names that the life of a run depends on (see run/life.ts); every plan uses them. */
export const ROUTE_ALL = 'route-all';
export const COMPLETE = 'complete';

export interface Plan {
  readonly name: string;
  readonly steps: readonly PlanStep[];
}

export type PlanStep = Step | WayBackBarrier | Gate | Completion;

interface Described {
  /** Stable: a run that is resumed finds its steps by it. */
  readonly name: string;
  readonly title: string;
  /** The number of the step in the description of this migration. */
  readonly number: string;
  /** What going back does at this step; empty when there is nothing to undo. */
  readonly undoTitle: string;
  /** From here on some messages go by the new route. */
  readonly movesTraffic?: boolean;
}

export interface Step extends Described {
  readonly kind: 'step';
  /** @throws StepProblem when the step must not begin */
  check?(context: StepContext): Promise<void>;
  apply(context: StepContext): Promise<void>;
  /** @throws StepProblem when the step did not achieve what it should */
  verify?(context: StepContext): Promise<void>;
  undo?(context: StepContext): Promise<void>;
}

/** A step as its file defines it; each plan gives it a title and a number. */
export type Untitled<S extends Step | WayBackBarrier> = Omit<S, 'title' | 'number'>;

/**
 * Passed without acting on the way forward. A run that goes back stops here until `undo` is done, so
 * whatever stands before the barrier is undone only after that.
 */
export interface WayBackBarrier extends Described {
  readonly kind: 'wayBackBarrier';
  undo(context: StepContext): Promise<void>;
}

/**
 * Passes when each of its measures passes at the end of its window. A measure that fails ends the gate
 * at once; one that still waits when the patience runs out counts as it says in `unanswered`.
 */
export interface Gate extends Described {
  readonly kind: 'gate';
  readonly measures: readonly Measure[];
  /** Minimum time to watch, in seconds. */
  readonly windowSeconds: number;
  /** How long it waits for what neither passes nor fails, if not for `patience_seconds`. */
  readonly patienceSeconds?: number;
}

/** Waits until a person completes the run, which gives up the way back. */
export interface Completion extends Described {
  readonly kind: 'completion';
  /** Must pass when the person does. */
  readonly measures: readonly ClosingMeasure[];
}

/** The kind that journal and command line know: what acts is a step, what waits is a gate. */
export function recordedKind({ kind }: PlanStep): StepRecord['kind'] {
  return kind === 'step' || kind === 'wayBackBarrier' ? 'step' : 'gate';
}

export interface Reading {
  /** For example `oldest open message of hiring`. */
  readonly what: string;
  readonly verdict: Verdict;
  readonly value: string;
  readonly threshold: string;
}

/** One thing that a gate judges, in `gates/`. */
export interface Measure {
  readonly name: string;
  /** What it means when the patience is over and the verdict is still `wait`. */
  readonly unanswered: 'fail' | 'inconclusive';
  /** Reads the run as a whole: once, however many links it moves. */
  readonly isOfRun?: boolean;
  /** The settings it judges by; the plan shows them. */
  readonly thresholds?: readonly NumberName[];
  read(context: StepContext): Promise<readonly Reading[]>;
}

/** What an order is judged by, which no step works on. */
export type ClosingContext = Pick<StepContext, 'run' | 'participants' | 'signal'>;

export interface ClosingMeasure extends Measure {
  read(context: ClosingContext): Promise<readonly Reading[]>;
}

/** How a command ended, and the last line it printed. */
export interface CommandEnd {
  /** Undefined when it did not end in time, was killed, or could not be started. */
  readonly exitCode: number | undefined;
  readonly lastLine: string;
}

/** Runs the gate command of a run's settings. Never rejects for what the command does. */
export type RunCommand = (
  run: RunRecord,
  limits: { readonly limitMs: number; readonly signal: AbortSignal },
) => Promise<CommandEnd>;

/** What a step or gate works with. */
export interface StepContext {
  readonly run: RunRecord;
  readonly participants: Participants;
  readonly streams: Streams;
  readonly certificates: CertificateStore;
  /** Undefined where commands are not allowed. */
  readonly runCommand?: RunCommand | undefined;
  readonly log: Log;
  /** Aborts when the run is paused, changed or handed to another engine. */
  readonly signal: AbortSignal;
  readonly checkpoint: JsonObject;
  /**
   * Milliseconds since the step or its undo began, across restarts; for a gate only the time that any
   * engine watched it.
   */
  elapsedMs(): number;
  /** Milliseconds since this engine took up the step: starts at 0 after a restart or a pause. */
  actingMs(): number;
  /** Records how far the step is; after a crash it continues from there. */
  save(checkpoint: JsonObject, progress?: Progress): Promise<void>;
  /** What later steps need, and what going back must know; recorded at once. */
  remember(learnt: JsonObject): Promise<void>;
  /** Adds an observation to the step's evidence. */
  observe(what: string, value: string): Promise<void>;
}

/** JetStream, and mutual exclusion between those who create or remove a link's stream. */
export interface Streams {
  /** Ask before each change: it is refused to an engine whose lease may have ended. */
  manager(): Promise<JetStreamManager>;
  /** Runs one piece of work at a time per link. */
  alone<T>(link: string, work: () => Promise<T>): Promise<T>;
  /** Whether another live run moves towards the link's stream. */
  isNeededByOthers(run: RunRecord): Promise<boolean>;
}
