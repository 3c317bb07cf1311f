/**
 * The life of a process: agents start in order and stop in reverse, each within its time limit,
 * whatever the others do. A second signal ends the process at once.
 */
import { type EndRequested, endSignal } from './endSignal.ts';
import { CodedError, messageOf } from './errors.ts';
import type { Log } from './log.ts';

const STOP_LIMIT_MS = 10_000; // an agent that takes longer waits for something that will not come
const EXIT_FAILED = 1;

/** A long-running object. `stop` may be called before, during and after `start`, and twice. */
export interface Agent {
  name: string;
  start(): Promise<void> | void;
  stop(): Promise<void> | void;
}

/**
 * Starts agents in order, and no more of them once `stopping` is aborted. If one fails, it and
 * those before it are stopped and the error is thrown, joined with any errors from stopping.
 */
export async function startAgents(
  agents: Agent[],
  log: Log,
  stopping?: AbortSignal,
): Promise<void> {
  for (const [index, agent] of agents.entries()) {
    if (stopping?.aborted) return;
    try {
      await agent.start();
      log.debug({ agent: agent.name }, 'agent started');
    } catch (error) {
      const wrapped = new Error(`${agent.name} did not start`, { cause: error });
      const stopped = await stopAll(agents.slice(0, index + 1), log, STOP_LIMIT_MS);
      if (stopped.length === 0) throw wrapped;
      throw new AggregateError([wrapped, ...stopped], wrapped.message, { cause: error });
    }
  }
}

/** Stops agents in reverse, each within `limitMs`. Throws an AggregateError of all that failed. */
export async function stopAgents(
  agents: Agent[],
  log: Log,
  limitMs = STOP_LIMIT_MS,
): Promise<void> {
  const errors = await stopAll(agents, log, limitMs);
  if (errors.length > 0) throw new AggregateError(errors, `${errors.length} agents did not stop`);
}

async function stopAll(agents: Agent[], log: Log, limitMs: number): Promise<Error[]> {
  const errors: Error[] = [];
  for (const agent of agents.toReversed()) {
    try {
      await within(limitMs, async () => agent.stop());
      log.debug({ agent: agent.name }, 'agent stopped');
    } catch (error) {
      errors.push(new Error(`${agent.name} did not stop`, { cause: error }));
    }
  }
  return errors;
}

/** Rejects when `work` takes longer than `limitMs`; the work itself goes on. */
export async function within<T>(limitMs: number, work: () => Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_, reject) => {
    const giveUp = () => reject(new Error(`not done within ${limitMs} ms`));
    timer = setTimeout(giveUp, limitMs);
  });
  try {
    return await Promise.race([work(), limit]);
  } finally {
    clearTimeout(timer);
  }
}

export interface ProcessOptions {
  name: string;
  log: Log;
  agents: Agent[];
  /** Milliseconds each agent may take to stop. */
  stopLimitMs?: number;
  /** Rejects when the process cannot go on: it then stops, for a supervisor to start it again. */
  lost?: Promise<never>;
  /** Called after the `ready` entry, when all agents run: reports addresses to a parent process. */
  onReady?: () => void;
}

/**
 * Runs a process until SIGTERM, SIGINT or SIGHUP (but not under nohup) and ends it: exit code 0 after a clean stop, 1 when an
 * agent did not start or stop, or after an uncaught error; 128 + signal number when a second signal
 * forces the end.
 */
export async function runProcess(options: ProcessOptions): Promise<never> {
  const { name, log, agents, lost, stopLimitMs = STOP_LIMIT_MS, onReady } = options;
  const ending = Promise.withResolvers<number>();
  const stopping = new AbortController();
  watchErrors(log, ending.resolve);
  watchSignals(log, ending.resolve);
  lost?.catch((error: unknown) => {
    log.fatal({ err: error }, messageOf(error));
    ending.resolve(EXIT_FAILED);
  });
  let exitCode: number;
  try {
    const starting = startAgents(agents, log, stopping.signal).then(() => {
      if (stopping.signal.aborted) return ending.promise;
      log.info({ pid: process.pid }, 'ready');
      onReady?.();
      return ending.promise;
    });
    // A signal must also end a process that still waits for a server to come up.
    exitCode = await Promise.race([starting, ending.promise]);
    stopping.abort();
    await stopAgents(agents, log, stopLimitMs);
    log.info({ exitCode }, 'stopped');
  } catch (error) {
    log.fatal({ err: error }, `${name} failed`);
    exitCode = EXIT_FAILED;
  }
  process.exit(exitCode);
}

/**
 * Runs what a process does first. What a person must change first (settings, a server that cannot be
 * used) ends it with exit code 1 and one sentence; any other error with its stack.
 */
export async function startOrExplain<T>(name: string, start: () => Promise<T>): Promise<T> {
  // There is nothing to finish yet. The first process of a container has no other way to end.
  asked().addEventListener('abort', exitAtOnce);
  try {
    return await start();
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    process.stderr.write(`${name} cannot start: ${error.message}\n`);
    process.exit(EXIT_FAILED);
  }
}

function watchErrors(log: Log, end: (exitCode: number) => void): void {
  const fail = (what: string) => (error: unknown) => {
    log.fatal({ err: error }, what);
    // The state is unknown now: stop what can be stopped, and let a supervisor restart the process.
    end(EXIT_FAILED);
  };
  process.on('uncaughtException', fail('uncaught exception'));
  process.on('unhandledRejection', fail('unhandled rejection'));
}

function watchSignals(log: Log, end: (exitCode: number) => void): void {
  asked().removeEventListener('abort', exitAtOnce);
  asked().addEventListener('abort', () => {
    const { signal } = asked().reason as EndRequested;
    log.info({ signal }, 'stopping; a second signal ends at once');
    end(0);
  });
}

let endAsked: AbortSignal | undefined;

/** One for the whole life of the process: a first signal before it runs is the first one. */
function asked(): AbortSignal {
  endAsked ??= endSignal();
  return endAsked;
}

function exitAtOnce(): void {
  process.exit(0);
}
