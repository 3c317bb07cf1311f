/** What a step or gate gets to work with, on top of the journal. */

import { declareFailpoints, failpoint } from '../../runtime/failpoints.ts';
import type { Log } from '../../runtime/log.ts';
import type { CertificateStore } from '../certificate.ts';
import type { Participants } from '../participants.ts';
import type { RunCommand, StepContext, Streams } from '../plan.ts';
import type { Journal } from '../run/journal.ts';
import * as life from '../run/life.ts';
import type { JsonObject, Progress, RunWithSteps } from '../run/record.ts';
import type { Lease } from './lease.ts';

declareFailpoints('engine.after-checkpoint');

export interface WorkerOptions {
  readonly log: Log;
  readonly journal: Journal;
  readonly lease: Lease;
  readonly participants: Participants;
  readonly streams: Streams;
  readonly certificates: CertificateStore;
  readonly runCommand?: RunCommand | undefined;
  readonly onChange: () => void;
}

export interface RecordingContext extends StepContext {
  /** The run as last recorded. */
  current(): RunWithSteps;
  record(change: life.Change): Promise<void>;
  learnt(): JsonObject;
}

/** In the checkpoint of a gate: how long it was watched. Nobody watches while the run is paused. */
export const WATCHED = 'watchedMs';
/** Under `undoing` the time counts from when going back reached the step. */
export const UNDO_SINCE = 'undoSinceMs';

export function createContext(
  started: RunWithSteps,
  position: number,
  options: WorkerOptions,
  signal: AbortSignal,
): RecordingContext {
  const { journal, lease, certificates, log, onChange } = options;
  // A step makes many calls: an engine that froze between two of them must not make the second, and
  // what a person ordered meanwhile comes first.
  const guard = () => {
    signal.throwIfAborted();
    lease.requireSure();
  };
  const participants = options.participants.guarded(guard);
  const streams = guardStreams(options.streams, guard);
  let current = started;
  let learnt: JsonObject = {};
  const step = () => current.steps[position]!;
  const record = async (change: life.Change) => {
    current = await journal.record(current, change, lease.requireSure());
    onChange();
  };
  const enteredMs = performance.now();
  const watchedBeforeMs = Number(step().checkpoint[WATCHED] ?? 0);
  const actingMs = () => Math.round(performance.now() - enteredMs);
  const sinceMs = () => {
    const undoSinceMs = step().checkpoint[UNDO_SINCE];
    if (step().state === 'undoing' && typeof undoSinceMs === 'number') return undoSinceMs;
    return Date.parse(step().startedAt ?? new Date().toISOString());
  };
  return {
    participants,
    streams,
    certificates,
    runCommand: options.runCommand,
    signal,
    record,
    current: () => current,
    learnt: () => learnt,
    remember: (more) => {
      learnt = { ...learnt, ...more };
    },
    log: log.child({ run: started.run.id, step: step().name }),
    get run() {
      return current.run;
    },
    get checkpoint() {
      return step().checkpoint;
    },
    actingMs,
    elapsedMs: () =>
      step().kind === 'gate' ? watchedBeforeMs + actingMs() : Date.now() - sinceMs(),
    save: async (checkpoint: JsonObject, progress?: Progress) => {
      await record(life.progressed(position, checkpoint, progress));
      await failpoint('engine.after-checkpoint');
    },
    observe: (what, value) =>
      record({ evidence: [{ position, what, verdict: '', value, threshold: '' }] }),
  };
}

/** Who changes JetStream asks for its manager before each change. */
function guardStreams(streams: Streams, guard: () => void): Streams {
  return {
    manager: async () => {
      guard();
      return streams.manager();
    },
    alone: (link, work) => streams.alone(link, work),
    isNeededByOthers: (run) => streams.isNeededByOthers(run),
  };
}
