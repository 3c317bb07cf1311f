/**
 * Proves once more, after its run, that what a version took away is nowhere left: a backup that was
 * restored may have brought it back.
 */
import { type ErasureStatement, isNothingLeft } from '../erasure.ts';
import { StepProblem } from '../errors.ts';
import { eraseEverywhere } from './erasing.ts';
import { type ErasingContext, isStillCarried } from './phrases.ts';
import { newestEpoch, searchEverything } from './searching.ts';

/**
 * Signed by `sign`, when nothing is found. @throws StepProblem while a leg carries an older version,
 * or was given another route meanwhile
 */
export async function proveAgain<Signed>(
  context: ErasingContext,
  isErasing: boolean,
  sign: (statement: ErasureStatement) => Promise<Signed>,
): Promise<{ readonly statement: ErasureStatement; readonly signed: Signed | undefined }> {
  await requireGone(context);
  const epoch = await newestEpoch(context);
  if (isErasing) await eraseEverywhere(context);
  const statement = await searchEverything(context);
  await requireGone(context);
  if (statement.epoch !== epoch)
    throw new StepProblem('stop', `${context.run.link} was moved meanwhile; search again`);
  const signed = isNothingLeft(statement) ? await sign(statement) : undefined;
  return { statement, signed };
}

async function requireGone(context: ErasingContext): Promise<void> {
  const { link, to } = context.run;
  if (await isStillCarried(context))
    throw new StepProblem(
      'stop',
      `a leg of ${link} carries a version before v${to.version} again, which has what was erased`,
    );
}
