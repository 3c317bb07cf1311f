import { compareRows, sidesOf } from '../leg/parity.ts';
import type { Measure, StepContext } from '../plan.ts';

/** One reading compares for this long; the gate reads again while its patience lasts. */
const READING_MS = 3_000;
const EXAMPLES = 3;

/** The replica shows every row of the owner. */
export const parity: Measure = {
  name: 'parity',
  unanswered: 'fail',
  read: async (context) =>
    Promise.all(context.run.consumers.map((consumer) => readParity(context, consumer))),
};

async function readParity(context: StepContext, consumer: string) {
  const sides = sidesOf(context, consumer);
  const { rows, differing } = await compareRows(sides, READING_MS, context.signal);
  const keys = differing.slice(0, EXAMPLES).map(({ key }) => key);
  return {
    what: `rows that differ at ${consumer}`,
    verdict: differing.length === 0 ? ('pass' as const) : ('wait' as const),
    value: keys.length > 0 ? `${differing.length} of ${rows}: ${keys.join(', ')}` : `0 of ${rows}`,
    threshold: '0',
  };
}
