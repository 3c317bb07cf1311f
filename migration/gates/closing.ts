/**
 * What must be true when a run gives up an older contract version. Since the soak nobody looked: a process
 * of an older build, started again, would still write it; a message that a consumer gave up on, or a row
 * that it lacks, might need it. `complete` asks, and once more whoever removes something after it.
 */
import type { ClosingContext, ClosingMeasure, Reading } from '../plan.ts';
import { noNewDeadLetters } from './deadLetters.ts';
import { parityAsStored } from './parity.ts';
import { readsVersion, writesVersion } from './releases.ts';

export const NEEDS_NO_OLDER = [readsVersion, writesVersion, noNewDeadLetters];
/** Of a formal link, whose consumers keep rows. */
export const HOLDS_NO_OLDER = [...NEEDS_NO_OLDER, parityAsStored];

/** What does not pass, or not yet; undefined when all does. */
export async function findUnmet(
  context: ClosingContext,
  measures: readonly ClosingMeasure[],
): Promise<Reading | undefined> {
  const readings = await Promise.all(measures.map((one) => one.read(context)));
  return readings.flat().find(({ verdict }) => verdict !== 'pass');
}
