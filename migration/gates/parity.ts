import { compareRows, sidesOf, type Terms } from '../leg/parity.ts';
import type { ClosingContext, ClosingMeasure, Measure } from '../plan.ts';

/** One reading compares for this long; the gate reads again while its patience lasts. */
const READING_MS = 3_000;
const EXAMPLES = 3;

/** The replica shows every row of the owner. */
export const parity: Measure = {
  name: 'parity',
  unanswered: 'fail',
  read: (context) => readAll(context, { version: context.run.from.version }),
};

/** It also stores each as the new contract version has it. */
export const parityAsStored: ClosingMeasure = {
  name: 'parity as stored',
  unanswered: 'fail',
  read: (context) => readAll(context, { version: context.run.to.version, asStored: true }),
};

function readAll(context: ClosingContext, terms: Terms) {
  return Promise.all(context.run.consumers.map((one) => readParity(context, one, terms)));
}

async function readParity(context: ClosingContext, consumer: string, terms: Terms) {
  const sides = sidesOf(context, consumer, terms);
  const { rows, differing } = await compareRows(sides, READING_MS, context.signal);
  const keys = differing.slice(0, EXAMPLES).map(({ key }) => key);
  return {
    what: `rows that differ at ${consumer}`,
    verdict: differing.length === 0 ? ('pass' as const) : ('wait' as const),
    value: keys.length > 0 ? `${differing.length} of ${rows}: ${keys.join(', ')}` : `0 of ${rows}`,
    threshold: '0',
  };
}
