import { readTraffic } from '../leg/traffic.ts';
import { REPEATABLE } from '../participants.ts';
import type { Measure, Reading, StepContext } from '../plan.ts';

/** Copies younger than this may still be on their way. */
const SETTLE_MS = 300;
const EXAMPLES = 3;

/**
 * Shadow copies arrive and do what the live messages did. With little traffic the copies that came
 * within half of the patience are enough; without any traffic it passes and says so, as the probes got
 * through. Where consumers run functional copies, what both wrote to the outbox is compared too.
 */
export const shadowEqual: Measure = {
  name: 'shadow equal',
  unanswered: 'inconclusive',
  thresholds: ['shadow_seconds', 'shadow_messages', 'effect_difference_limit'],
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
  const [ran, other] = [Number(results.ran), Number(results.otherEffects)];
  const ids = results.examples.slice(0, EXAMPLES).join(', ');
  const wanted = run.settings.shadow_messages;
  const isIdle = (await readTraffic(context, consumer)).closed === closed;
  return {
    what: `copies to ${consumer} that are equal`,
    verdict: judge(context, { expected, equal, isIdle, ran, other }),
    value:
      `${equal} of ${expected}` +
      (isIdle ? ' (no traffic)' : '') +
      (equal === expected
        ? ''
        : `: ${results.missing} missing, ${results.different} different (${ids})`) +
      (run.memory.copiesRun ? `; ${ran} effects compared, ${other} different` : ''),
    threshold: `all, and ${wanted} or more under traffic`,
  };
}

interface Compared {
  readonly expected: number;
  readonly equal: number;
  readonly isIdle: boolean;
  /** Copies whose effect could be compared, and those with another one. */
  readonly ran: number;
  readonly other: number;
}

function judge(
  context: StepContext,
  { expected, equal, isIdle, ran, other }: Compared,
): Reading['verdict'] {
  const { memory, settings } = context.run;
  const { patience_seconds, shadow_seconds, shadow_messages, effect_difference_limit } = settings;
  const waitedMs = context.elapsedMs() - shadow_seconds * 1_000;
  // After a restart or a pause, missing copies get their time again.
  const isLate = Math.min(waitedMs, context.actingMs()) > (patience_seconds * 1_000) / 2;
  if (equal < expected) return isLate ? 'fail' : 'wait';
  if (other > ran * effect_difference_limit) return isLate ? 'fail' : 'wait';
  // Without a single effect that could be compared, nothing is proven.
  if (memory.copiesRun && expected > 0 && ran === 0) return 'wait';
  if (expected >= shadow_messages) return 'pass';
  if (expected === 0) return isIdle && waitedMs > SETTLE_MS ? 'pass' : 'wait';
  return isLate ? 'pass' : 'wait';
}
