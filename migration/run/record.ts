/**
 * What the journal keeps of a run, its steps and their evidence: the words that plans, decisions and
 * storage share.
 */
import type { Transport } from '../../link/link.ts';
import type { Settings } from '../settings.ts';

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export type JsonObject = { [key: string]: Json };

export interface RouteName {
  readonly transport: Transport;
  readonly version: number;
}

/** `async v0` */
export function nameRoute({ transport, version }: RouteName): string {
  return `${transport} v${version}`;
}

export type RunState =
  | 'planned'
  | 'running'
  | 'waiting'
  | 'paused'
  | 'rolling_back'
  | 'rolled_back'
  | 'completed'
  | 'failed'
  | 'cancelled';

const ENDED: ReadonlySet<RunState> = new Set(['rolled_back', 'completed', 'failed', 'cancelled']);

export function isEnded(run: Pick<RunRecord, 'state'>): boolean {
  return ENDED.has(run.state);
}

export interface Waiting {
  /** `approve`, `complete`, `resume`, or the measure that is not satisfied yet. */
  readonly gate: string;
  readonly value: string;
  readonly threshold: string;
  /** RFC 3339. */
  readonly since: string;
  /** Under `resume`: what a person was asked before the run was paused, and is asked again. */
  readonly before?: Waiting;
}

/** A link as a run moves it. */
export interface MovedLink {
  readonly link: string;
  /** The consumers whose legs the run moves. */
  readonly consumers: readonly string[];
  readonly from: RouteName;
  readonly to: RouteName;
}

/** The link that a person named, and what becomes of it. */
export interface RunRecord extends MovedLink {
  readonly id: string;
  /** Name of the plan. */
  readonly plan: string;
  /** Empty when the run moves every consumer. */
  readonly consumer: string;
  /** Links of the same entity, whose contract versions move together with that of the named one. */
  readonly others: readonly MovedLink[];
  readonly producer: string;
  readonly wayBack: 'keep' | 'none';
  readonly isStepByStep: boolean;
  readonly isHeld: boolean;
  readonly settings: Settings;
  readonly actor: string;
  readonly state: RunState;
  readonly direction: 'forward' | 'back';
  readonly endsAs: 'rolled_back' | 'cancelled';
  readonly problem: string;
  readonly waiting: Waiting | null;
  readonly memory: JsonObject;
  readonly revision: bigint;
  readonly startedAt: string;
  readonly endedAt: string | null;
}

export type StepState = 'pending' | 'running' | 'done' | 'failed' | 'undoing' | 'undone';

export interface StepRecord {
  readonly position: number;
  readonly name: string;
  readonly title: string;
  readonly number: string;
  readonly kind: 'step' | 'gate';
  readonly undo: string;
  readonly state: StepState;
  readonly checkpoint: JsonObject;
  readonly done: number;
  readonly total: number;
  readonly startedAt: string | null;
  readonly endedAt: string | null;
}

export interface EvidenceRecord {
  readonly position: number;
  readonly what: string;
  readonly verdict: Verdict | '';
  readonly value: string;
  readonly threshold: string;
}

/** How far a step is, in units of its own. */
export interface Progress {
  readonly done: number;
  readonly total: number;
}

export type Verdict = 'pass' | 'fail' | 'inconclusive' | 'wait';

export interface RunWithSteps {
  readonly run: RunRecord;
  readonly steps: readonly StepRecord[];
}
