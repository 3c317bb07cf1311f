/** Live traffic must not queue behind what a run sends or changes besides. */
import { StepProblem } from '../errors.ts';
import { REPEATABLE } from '../participants.ts';
import type { StepContext } from '../plan.ts';
import { stepPause } from '../stepPause.ts';

/** Above this many open messages a run adds no more. */
const OPEN_LIMIT = 2_000;
const POLL_MS = 50;
/** How often a person sees how many are open. */
const SHOW_EVERY_MS = 1_000;

/** Waits as long as the number of open messages keeps falling. */
export async function waitForRoom(context: StepContext, consumer: string): Promise<void> {
  const { run, participants } = context;
  const request = { link: run.link, consumer };
  const patienceMs = run.settings.patience_seconds * 1_000;
  let fewest = { open: Number.POSITIVE_INFINITY, atMs: performance.now() };
  let shownMs = Number.NEGATIVE_INFINITY;
  for (;;) {
    const progress = await participants.of(run.producer).getProgress(request, REPEATABLE);
    const [open, nowMs] = [Number(progress.open), performance.now()];
    if (open <= OPEN_LIMIT) return;
    if (open < fewest.open) fewest = { open, atMs: nowMs };
    if (nowMs - fewest.atMs > patienceMs)
      throw new StepProblem(
        'stop',
        `${open} messages to ${consumer} are open and do not decrease: ` +
          `see why ${consumer} does not settle them, then relink resume ${run.id}`,
      );
    if (nowMs - shownMs > SHOW_EVERY_MS) {
      shownMs = nowMs;
      await context.observe(`open messages to ${consumer}`, String(open));
    }
    await stepPause(POLL_MS, context.signal);
  }
}
