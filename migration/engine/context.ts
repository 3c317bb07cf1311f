/** What a step or gate works with, on top of the journal. */

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
}

/** In a gate's checkpoint: how long it was watched, without the time that the run was paused. */
export const WATCHED = 'watchedMs';
/** In the checkpoint of a step that is being undone: when the undo began. */
export const UNDO_SINCE = 'undoSinceMs';

export function createContext(
  started: RunWithSteps,
  position: number,
  options: WorkerOptions,
  signal: AbortSignal,
): RecordingContext {
  const { journal, lease, certificates, log, onChange } = options;
  // A step makes many calls: an engine that froze between two of them must not make the second, and
  // an order given in between takes precedence.
  const guard = () => {
    signal.throwIfAborted();
    lease.requireValid();
  };
  const participants = options.participants.guarded(guard);
  const streams = guardStreams(options.streams, guard);
  let current = started;
  const step = () => current.steps[position]!;
  const record = async (change: life.Change) => {
    current = await journal.record(current, change, lease.requireValid());
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
    remember: (learnt) => record({ run: { memory: { ...current.run.memory, ...learnt } } }),
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
      await record(life.progressed(current.run, position, checkpoint, progress));
      await failpoint('engine.after-checkpoint');
    },
    observe: (what, value) =>
      record({ evidence: [{ position, what, verdict: '', value, threshold: '' }] }),
  };
}

/** Steps ask for the manager before each change to JetStream, so that each is guarded. */
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
