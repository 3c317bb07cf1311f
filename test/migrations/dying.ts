/** Engines that die at the boundaries of steps, one after another, until a run reaches a state. */

import assert from 'node:assert/strict';
import type { Engine } from '../../migration/engine/engine.ts';
import type { RunState } from '../../migration/run/record.ts';
import { armFailpoint } from '../../runtime/failpoints.ts';
import { until } from '../harness/until.ts';
import type { Desk } from '../rigs/processes/desk.ts';

/** The places that every step passes and where it may be cut off, in their order. */
export const FORWARD = ['engine.before-apply', 'engine.after-apply', 'engine.after-record'];
/** Only steps that keep how far they are pass here, each as often as it does. */
export const CHECKPOINT = ['engine.after-checkpoint'];
export const BACK = [
  'engine.before-undo',
  'journal.before-commit',
  'journal.after-commit',
  'engine.after-undo',
  'engine.after-undo-record',
];

/** Lets engine after engine die at the next of the points until the run reaches the state. */
export async function dieAgainAndAgain(
  desk: Desk,
  runId: string,
  points: readonly string[],
  wanted: RunState,
): Promise<Map<string, Set<string>>> {
  const died = new Map<string, Set<string>>(points.map((point) => [point, new Set()]));
  for (let turn = 0; ; turn += 1) {
    const point = points[turn % points.length]!;
    const armed = armFailpoint(point, { do: 'throw' }, 1);
    const engine = desk.engine();
    const isOver = await endOf(engine, desk, runId, wanted);
    armed.disarm();
    if (isOver) {
      await engine.stop();
      return died;
    }
    died.get(point)!.add(await stepOf(desk, runId));
    await desk.expireLease();
  }
}

/** Answers whether the run came to its end before the engine died. */
async function endOf(engine: Engine, desk: Desk, runId: string, wanted: RunState) {
  let isDead = false;
  void engine.crashed.then(() => {
    isDead = true;
  });
  let state: RunState | undefined;
  await until(
    async () => {
      if (isDead) return true;
      state = (await desk.journal.read(runId))?.run.state;
      return state === wanted || state === 'paused';
    },
    { withinMs: 150_000, what: `the engine dies or the run is ${wanted}` },
  );
  if (state === 'paused') assert.fail((await desk.journal.read(runId))!.run.problem);
  return !isDead && state === wanted;
}

async function stepOf(desk: Desk, runId: string): Promise<string> {
  const { run, steps } = (await desk.journal.read(runId))!;
  const step =
    run.direction === 'forward'
      ? steps.find(({ state }) => state !== 'done')
      : steps.findLast(({ state }) => state !== 'pending' && state !== 'undone');
  return step?.name ?? 'the end';
}
