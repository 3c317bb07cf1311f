import { pause } from '../runtime/wake.ts';
import { StepProblem } from './errors.ts';

/** Pauses within a step. @throws StepProblem `stop` when the run is paused, changed or handed over */
export async function stepPause(ms: number, signal: AbortSignal): Promise<void> {
  if (!(await pause(ms, signal))) throw new StepProblem('stop', 'interrupted');
}
