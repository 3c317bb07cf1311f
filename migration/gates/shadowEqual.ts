import { readTraffic } from '../observe.ts';
import { REPEATABLE } from '../participants.ts';
import type { Measure, Reading, StepContext } from '../plan.ts';

/** Copies younger than this may be on their way. */
const SETTLE_MS = 300;
const EXAMPLES = 3;

/**
 * Copies by the new path arrive and do what the messages did. With little traffic it takes what
 * came when half of the patience is over; without any traffic it passes and says so: probes went
 * through.
 */
export const shadowEqual: Measure = {
  name: 'shadow equal',
  unanswered: 'inconclusive',
  read: async (context) =>
    Promise.all(context.run.consumers.map((consumer) => readShadow(context, consumer))),
};

async function readShadow(context: StepContext, consumer: string): Promise<Reading> {
  const { run, participants } = context;
  const start = (run.memory.shadow ?? {}) as Record<string, { sinceMs: number; closed: number }>;
  const { sinceMs, closed } = start[consumer] ?? { sinceMs: 0, closed: 0 };
  const results = await participants
    .of(consumer)
    .getShadowResults(
      { link: run.link, settleMs: SETTLE_MS, sinceUnixMs: BigInt(sinceMs) },
      REPEATABLE,
    );
  const [expected, equal] = [Number(results.expected), Number(results.equal)];
  const ids = results.examples.slice(0, EXAMPLES).join(', ');
  const wanted = run.settings.shadow_messages;
  const isIdle = (await readTraffic(context, consumer)).closed === closed;
  return {
    what: `copies to ${consumer} that are equal`,
    verdict: judge(context, { expected, equal, isIdle }),
    value:
      `${equal} of ${expected}` +
      (isIdle ? ' (no traffic)' : '') +
      (equal === expected
        ? ''
        : `: ${results.missing} missing, ${results.different} different (${ids})`),
    threshold: `all, and ${wanted} or more under traffic`,
  };
}

function judge(
  context: StepContext,
  { expected, equal, isIdle }: { expected: number; equal: number; isIdle: boolean },
): Reading['verdict'] {
  const { patience_seconds, shadow_seconds, shadow_messages } = context.run.settings;
  const waitedMs = context.elapsedMs() - shadow_seconds * 1_000;
  const isLate = waitedMs > (patience_seconds * 1_000) / 2;
  if (equal < expected) return isLate ? 'fail' : 'wait';
  if (expected >= shadow_messages) return 'pass';
  if (expected === 0) return isIdle && waitedMs > SETTLE_MS ? 'pass' : 'wait';
  return isLate ? 'pass' : 'wait';
}
