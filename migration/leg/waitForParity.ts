import { StepProblem } from '../errors.ts';
import type { StepContext } from '../plan.ts';
import { stepPause } from '../stepPause.ts';
import { compareRows, type ParitySides } from './parity.ts';

/** Time limit of one comparison, which is repeated until the replica holds every row. */
const READING_MS = 3_000;
const POLL_MS = 200;

/** For at most `patience_seconds`. @throws StepProblem `stop` */
export async function waitForParity(
  context: StepContext,
  sides: ParitySides,
  consumer: string,
): Promise<void> {
  const { run, signal } = context;
  const untilMs = performance.now() + run.settings.patience_seconds * 1_000;
  for (;;) {
    const { differing, rows } = await compareRows(sides, READING_MS, signal);
    if (differing.length === 0) return context.observe(`rows held by ${consumer}`, String(rows));
    if (performance.now() > untilMs)
      throw new StepProblem(
        'stop',
        `${consumer}: ${differing.length} of ${rows} rows differ; see relink verify ${run.link}`,
      );
    await stepPause(POLL_MS, signal);
  }
}
