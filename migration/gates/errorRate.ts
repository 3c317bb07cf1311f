import { readTraffic } from '../observe.ts';
import type { JsonObject, Measure, Reading, StepContext } from '../plan.ts';

/** Below so many dispatches a rate says nothing: one failure of three is no third. */
const MIN_DISPATCHES = 20;
const MEMO = 'traffic';

type Counters = Record<string, { failed: number; closed: number }>;

/** The share of failed dispatches since the gate began. */
export const errorRate: Measure = {
  name: 'error rate',
  unanswered: 'fail',
  read: async (context) => {
    const before = await countersAtStart(context);
    return Promise.all(
      context.run.consumers.map((consumer) => readRate(context, consumer, before[consumer])),
    );
  },
};

async function countersAtStart(context: StepContext): Promise<Counters> {
  const known = context.checkpoint[MEMO] as Counters | undefined;
  if (known) return known;
  const counters: Counters = {};
  for (const consumer of context.run.consumers) {
    const { failed, closed } = await readTraffic(context, consumer);
    counters[consumer] = { failed, closed };
  }
  await context.save({ ...context.checkpoint, [MEMO]: counters as JsonObject });
  return counters;
}

async function readRate(
  context: StepContext,
  consumer: string,
  before = { failed: 0, closed: 0 },
): Promise<Reading> {
  const now = await readTraffic(context, consumer);
  // A producer's process that restarted counts from zero again.
  const failed = Math.max(0, now.failed - before.failed);
  const all = failed + Math.max(0, now.closed - before.closed);
  const rate = all < MIN_DISPATCHES ? 0 : failed / all;
  const limit = context.run.settings.error_rate_limit;
  const why = rate > limit && now.lastError ? `; last: ${now.lastError}` : '';
  return {
    what: `failed dispatches to ${consumer}`,
    verdict: rate <= limit ? 'pass' : 'fail',
    value: `${failed} of ${all}${why}`,
    threshold: `${(limit * 100).toFixed(1)} %`,
  };
}
