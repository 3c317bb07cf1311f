import type { GetShadowResultsResponse } from '../../gen/relink/v1/participant_pb.ts';
import { askIdle } from '../leg/idle.ts';
import { readTraffic, type Traffic } from '../leg/traffic.ts';
import { REPEATABLE } from '../participants.ts';
import type { Measure, Reading, StepContext } from '../plan.ts';
import type { JsonObject } from '../run/record.ts';

/** Copies younger than this may still be on their way. */
const SETTLE_MS = 300;
/** A copy that is missing for so long is lost: it does not come any more. */
const LOST_MS = 3_000;
/** A leg that carries nothing for so long has no traffic. */
const IDLE_MS = 2_000;
const EXAMPLES = 3;

/**
 * Shadow copies arrive and do what the live messages did, as many as asked for. Where consumers run
 * functional copies, what both wrote to the outbox is compared too, as often. A process that dies loses
 * copies, which says nothing about the route: it is measured anew, and fails when copies are lost again.
 */
export const shadowEqual: Measure = {
  name: 'shadow equal',
  unanswered: 'inconclusive',
  thresholds: ['shadow_seconds', 'shadow_messages', 'effect_difference_limit'],
  read: async (context) =>
    Promise.all(context.run.consumers.map((consumer) => readShadow(context, consumer))),
};

/** Where the comparison began: when copying did, or after copies were lost. */
interface Beginning {
  readonly sinceMs: number;
  readonly closed: number;
  /** Copies lost before it. */
  readonly lost: number;
}

async function readShadow(context: StepContext, consumer: string): Promise<Reading> {
  const begun = beginningOf(context, consumer);
  const results = await readResults(context, consumer, begun, SETTLE_MS);
  const traffic = await readTraffic(context, consumer);
  const { verdict, why } = await judge(context, consumer, { begun, results, traffic });
  const { expected, equal, missing, different, ran, otherEffects, examples } = results;
  const unequal = `: ${missing} missing, ${different} different (${examples.slice(0, EXAMPLES).join(', ')})`;
  return {
    what: `copies to ${consumer} that are equal`,
    verdict,
    value:
      `${equal} of ${expected}` +
      (equal === expected ? '' : unequal) +
      (context.run.memory.copiesRun ? `; ${ran} effects compared, ${otherEffects} different` : '') +
      (why ? ` (${why})` : '') +
      (begun.lost > 0 ? `; measured anew, as ${begun.lost} copies were lost, as in a crash` : ''),
    threshold: `all, and ${context.run.settings.shadow_messages} or more`,
  };
}

function beginningOf({ checkpoint, run }: StepContext, consumer: string): Beginning {
  const anew = checkpoint[anewOf(consumer)] as unknown as Beginning | undefined;
  const first = (run.memory.shadow ?? {}) as Record<string, { sinceMs: number; closed: number }>;
  return anew ?? { lost: 0, ...(first[consumer] ?? { sinceMs: 0, closed: 0 }) };
}

const anewOf = (consumer: string) => `anew ${consumer}`;

async function readResults(
  { run, participants }: StepContext,
  consumer: string,
  { sinceMs }: Beginning,
  settleMs: number,
): Promise<GetShadowResultsResponse> {
  const request = { link: run.link, settleMs, sinceUnixMs: BigInt(sinceMs) };
  return participants.of(consumer).getShadowResults(request, REPEATABLE);
}

interface Compared {
  readonly begun: Beginning;
  readonly results: GetShadowResultsResponse;
  readonly traffic: Traffic;
}

interface Judged {
  readonly verdict: Reading['verdict'];
  readonly why?: string;
}

async function judge(
  context: StepContext,
  consumer: string,
  { begun, results, traffic }: Compared,
): Promise<Judged> {
  const { memory, settings } = context.run;
  const waitedMs = context.elapsedMs() - settings.shadow_seconds * 1_000;
  // After a restart or a pause, what is not equal gets its time again.
  const isLate = Math.min(waitedMs, context.actingMs()) > (settings.patience_seconds * 1_000) / 2;
  const { expected, ran, different, otherEffects, missing } = results;
  const tolerated = Number(ran) * settings.effect_difference_limit;
  if (different > 0n || Number(otherEffects) > tolerated)
    return { verdict: isLate ? 'fail' : 'wait' };
  if (missing > 0n) return judgeMissing(context, consumer, { begun, results, traffic }, isLate);
  const compared = memory.copiesRun ? ran : expected;
  if (compared >= BigInt(settings.shadow_messages)) return { verdict: 'pass' };
  // Without a single effect that could be compared, nothing is proven.
  if (expected > 0n && compared === 0n) return { verdict: 'wait' };
  const isIdle = traffic.closed === begun.closed && waitedMs > IDLE_MS;
  if (traffic.open === 0 && !isIdle && !isLate) return { verdict: 'wait' };
  const { isEnough, text: why } = await askIdle(context, consumer, traffic.open);
  return { verdict: isEnough ? 'pass' : 'wait', why };
}

async function judgeMissing(
  context: StepContext,
  consumer: string,
  { begun, traffic }: Compared,
  isLate: boolean,
): Promise<Judged> {
  const { missing } = await readResults(context, consumer, begun, LOST_MS);
  if (missing === 0n) return { verdict: 'wait' };
  if (isLate && begun.lost > 0) return { verdict: 'fail' };
  const anew = {
    sinceMs: Date.now() + SETTLE_MS,
    closed: traffic.closed,
    lost: begun.lost + Number(missing),
  };
  await context.save({ ...context.checkpoint, [anewOf(consumer)]: anew as JsonObject });
  return { verdict: 'wait' };
}
