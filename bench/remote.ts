/** A part of a benchmark that runs in a process of its own, as it would in production. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

/** The other process must connect and compile its rules first. */
const READY_LIMIT_MS = 30_000;
/** After this time the process is killed: a benchmark leaves nothing running. */
const STOP_LIMIT_MS = 10_000;

export interface Remote<Ready, Answer> {
  /** What the process reported when it was ready. */
  readonly ready: Ready;
  readonly pid: number;
  /** Fetches what it gathered since the last time. */
  take(): Promise<Answer>;
  stop(): Promise<void>;
  /** SIGKILL: it cleans nothing up. */
  kill(): Promise<void>;
}

/**
 * Runs `remote/<name>/main.ts` with `options`; resolves when it reports that it is ready. Throws
 * when it ends before that.
 */
export async function startRemote<Ready, Answer = never>(
  name: string,
  options: Record<string, unknown>,
): Promise<Remote<Ready, Answer>> {
  const child = fork(
    join(import.meta.dirname, 'remote', name, 'main.ts'),
    [JSON.stringify(options)],
    {
      serialization: 'advanced',
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    },
  );
  const ended = once(child, 'exit');
  const nextMessage = async <T>(): Promise<T> => {
    const [message] = await Promise.race([
      once(child, 'message', { signal: AbortSignal.timeout(READY_LIMIT_MS) }),
      ended.then(([code]) => Promise.reject(new Error(`${name} ended with ${code}`))),
    ]);
    return message as T;
  };
  const stop = async () => {
    if (child.connected) child.disconnect();
    const late = setTimeout(() => child.kill('SIGKILL'), STOP_LIMIT_MS);
    await ended;
    clearTimeout(late);
  };
  try {
    const ready = await nextMessage<Ready>();
    const take = () => {
      child.send('take');
      return nextMessage<Answer>();
    };
    const kill = async () => {
      child.kill('SIGKILL');
      await ended;
    };
    return { ready, pid: child.pid!, take, stop, kill };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** The options this process was started with. */
export function remoteOptions<Options>(): Options {
  return JSON.parse(process.argv[2] ?? '{}') as Options;
}

/**
 * Reports that this process is ready, answers each `take`, and calls `stop` when the parent is
 * done.
 */
export function serveRemote(ready: unknown, take: () => unknown, stop: () => Promise<void>): void {
  process.on('message', () => process.send!(take()));
  process.once('disconnect', async () => {
    await stop();
    process.exit();
  });
  process.send!(ready);
}
