/**
 * Starts processes again that ended by themselves, as whatever runs services does: soon at first, later
 * when one keeps ending. A process that was told to stop stays stopped.
 */
import { messageOf } from '../runtime/errors.ts';
import { pause } from '../runtime/wake.ts';
import { type ChildExit, describeExit } from './servers/child.ts';
import type { Program } from './servers/processes.ts';

/** Before the first new start; twice as long before each further one. */
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 30_000;
/** Who ran so long has not kept ending: the next pause is the first one again. */
const STEADY_MS = 60_000;

export interface Keeper {
  /** For `StackOptions.onUnexpectedEnd`. */
  readonly onUnexpectedEnd: (program: Program, exit: ChildExit, lastLines: string) => void;
  /** Starts nothing more, and waits for what is being started. Safe twice. */
  stop(): Promise<void>;
}

export interface KeeperOptions {
  readonly say: (line: string) => void;
  readonly firstPauseMs?: number;
}

interface Kept {
  pauseMs: number;
  startedMs: number;
}

export function keepRunning({ say, firstPauseMs = FIRST_PAUSE_MS }: KeeperOptions): Keeper {
  const stopping = new AbortController();
  const kept = new Map<Program, Kept>();
  const starting = new Set<Promise<void>>();

  const startAgain = async (program: Program): Promise<void> => {
    const known = kept.get(program);
    const isSteady = known && performance.now() - known.startedMs > STEADY_MS;
    let pauseMs = known && !isSteady ? known.pauseMs : firstPauseMs;
    for (;;) {
      say(`${program.name} is started again in ${pauseMs / 1_000} s`);
      if (!(await pause(pauseMs, stopping.signal))) return;
      pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
      if (stopping.signal.aborted) return;
      try {
        await program.start();
        kept.set(program, { pauseMs, startedMs: performance.now() });
        say(`${program.name} runs again`);
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
      const started = startAgain(program).finally(() => starting.delete(started));
      starting.add(started);
    },
    stop: async () => {
      stopping.abort();
      await Promise.all(starting);
    },
  };
}
