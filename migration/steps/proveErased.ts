/**
 * The proof that what a version took from the consumers is gone: everything is searched for it, and
 * what was searched is signed with the result.
 */
import { type ErasureStatement, isNothingLeft, listTraces } from '../erasure.ts';
import { StepProblem } from '../errors.ts';
import { eraseEverywhere } from '../leg/erasing.ts';
import { isStillCarried } from '../leg/phrases.ts';
import { searchEverything } from '../leg/searching.ts';
import { unitsOfStep } from '../leg/units.ts';
import type { Step, StepContext, Untitled } from '../plan.ts';
import { stepPause } from '../stepPause.ts';

const AGAIN_MS = 500;

/** Searches all that there is, and signs that nothing of what was erased is in it. */
export const proveErased: Untitled<Step> = {
  name: 'prove-erased',
  kind: 'step',
  undoTitle: '',
  apply: async (context) => {
    if (await isStillCarried(context)) return;
    const statement = await searchUntilClean(context);
    for (const { place, entries } of statement.searched)
      await context.observe(place, `${entries} searched`);
    await context.certificates.signErasure(statement);
    await context.observe('erasure', `signed: nothing of ${statement.count} entities is left`);
  },
};

/**
 * Before each search everything is erased: what came in an older version since then may hold what the
 * owner no longer has, and nobody could search for it. Nothing is left to a person before it was
 * erased and searched for again.
 */
async function searchUntilClean(context: StepContext): Promise<ErasureStatement> {
  const patienceMs = context.run.settings.patience_seconds * 1_000;
  const inUnits = unitsOfStep(context, { isKept: false });
  let foundSinceMs: number | undefined;
  for (;;) {
    await eraseEverywhere(context, inUnits);
    const statement = await searchEverything(context, inUnits);
    if (isNothingLeft(statement)) return statement;
    const nowMs = performance.now();
    if (foundSinceMs !== undefined && nowMs - foundSinceMs > patienceMs)
      throw tracesLeft(context, statement);
    foundSinceMs ??= nowMs;
    await context.observe('found', `${listTraces(statement)}; it is erased and searched once more`);
    await stepPause(AGAIN_MS, context.signal);
  }
}

function tracesLeft({ run }: StepContext, statement: ErasureStatement): StepProblem {
  return new StepProblem(
    'stop',
    `what v${run.to.version} took away is still in ${listTraces(statement)}; clean them, then relink resume ${run.id}`,
  );
}
