/**
 * Restarts processes that end by themselves, as a service manager does: soon at first, later when
 * one keeps crashing. A process that was told to stop stays stopped.
 */
import { messageOf } from '../runtime/errors.ts';
import { pause } from '../runtime/wake.ts';
import { type ChildExit, describeExit } from './servers/child.ts';
import type { Program } from './servers/processes.ts';

/** Before the first restart; doubled before each further one. */
const FIRST_PAUSE_MS = 500;
const MAX_PAUSE_MS = 30_000;
/** A process that ran this long is not crash-looping: its pause starts over. */
const STABLE_MS = 60_000;

export interface Restarter {
  /** For `StackOptions.onUnexpectedEnd`. */
  readonly onUnexpectedEnd: (program: Program, exit: ChildExit, lastLines: string) => void;
  /** Restarts nothing more and waits for restarts in progress. Safe twice. */
  stop(): Promise<void>;
}

export interface RestarterOptions {
  readonly say: (line: string) => void;
  readonly firstPauseMs?: number;
}

interface RestartState {
  pauseMs: number;
  startedMs: number;
}

export function restartOnCrash({
  say,
  firstPauseMs = FIRST_PAUSE_MS,
}: RestarterOptions): Restarter {
  const stopping = new AbortController();
  const kept = new Map<Program, RestartState>();
  const starting = new Set<Promise<void>>();

  const restart = async (program: Program): Promise<void> => {
    const known = kept.get(program);
    const isStable = known && performance.now() - known.startedMs > STABLE_MS;
    let pauseMs = known && !isStable ? known.pauseMs : firstPauseMs;
    for (;;) {
      say(`${program.name} restarts in ${pauseMs / 1_000} s`);
      if (!(await pause(pauseMs, stopping.signal))) return;
      pauseMs = Math.min(pauseMs * 2, MAX_PAUSE_MS);
      if (stopping.signal.aborted) return;
      try {
        await program.start();
        kept.set(program, { pauseMs, startedMs: performance.now() });
        say(`${program.name} is running again`);
        return;
      } catch (error) {
        say(messageOf(error));
      }
    }
  };

  return {
    onUnexpectedEnd: (program, exit, lastLines) => {
      say(`${program.name} ended (${describeExit(exit)}); ${program.logFile} ends:\n${lastLines}`);
      if (stopping.signal.aborted) return;
      const started = restart(program).finally(() => starting.delete(started));
      starting.add(started);
    },
    stop: async () => {
      stopping.abort();
      await Promise.all(starting);
    },
  };
}
