/**
 * Follows a run until it ends or needs a person, across restarts of the operator. Ctrl-C only stops
 * following.
 */
import type { RunStatus } from '../../gen/relink/v1/operator_pb.ts';
import { RpcCallError } from '../../rpc/client.ts';
import { pause } from '../../runtime/wake.ts';
import { Interrupted } from './errors.ts';
import { createProgress, type Progress } from './output/progress.ts';
import { exitCodeOf, isGoingBack, isSettled, isWayBackGone } from './runState.ts';
import type { Session } from './session.ts';
import { shortId } from './suggest.ts';

const RETRY_EVERY_MS = 500;
const AWAY_LIMIT_MS = 60_000; // an operator that restarts is back within this

/**
 * Shows a run until it ends or waits for a person, leaves its last status as the command's data
 * and sets the exit code to match.
 * @throws Interrupted at Ctrl-C; RpcCallError when the operator stays away.
 */
export async function followRun(
  session: Session,
  id: string,
  isOver: (status: RunStatus) => boolean = isSettled,
): Promise<RunStatus> {
  const progress = createProgress(session.output);
  let seen: RunStatus | undefined;
  const look = (status: RunStatus) => {
    seen = status;
    return isOver(status);
  };
  try {
    const last = await watchUntil(session, id, progress, look);
    progress.finish(last);
    session.exitCode = exitCodeOf(last);
    return last;
  } catch (error) {
    if (session.signal.aborted) throw detached(id, seen);
    throw error;
  } finally {
    progress.end();
  }
}

/** Shown after Ctrl-C. */
function detached(id: string, seen: RunStatus | undefined): Interrupted {
  const isRefused = seen && (isWayBackGone(seen) || isGoingBack(seen));
  return new Interrupted(`Detached. Run ${id} goes on without you.`, [
    `relink status ${shortId(id)} --watch   (come back)`,
    `relink pause ${shortId(id)}`,
    ...(isRefused ? [] : [`relink rollback ${shortId(id)}`]),
  ]);
}

async function watchUntil(
  session: Session,
  id: string,
  progress: Progress,
  isOver: (status: RunStatus) => boolean,
): Promise<RunStatus> {
  let lastContact = Date.now();
  for (;;) {
    try {
      for await (const status of watch(session, id)) {
        lastContact = Date.now();
        progress.contact('here', session.address);
        progress.show(status);
        if (isOver(status)) return status;
      }
    } catch (error) {
      if (session.signal.aborted || !isAway(error)) throw error;
      if (Date.now() - lastContact > AWAY_LIMIT_MS) throw error;
      progress.contact('away', session.address);
    }
    // A stream may also end by itself: an operator that stops ends its streams.
    await pause(RETRY_EVERY_MS, session.signal);
    session.signal.throwIfAborted();
  }
}

async function* watch({ operator, signal }: Session, id: string): AsyncGenerator<RunStatus> {
  const stream = operator.watchRun({ id }, { deadlineMs: Infinity, signal });
  for await (const { status } of stream) if (status !== undefined) yield status;
}

function isAway(error: unknown): boolean {
  return error instanceof RpcCallError && error.code === 'UNAVAILABLE';
}
