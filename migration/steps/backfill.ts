import { StepProblem } from '../errors.ts';
import {
  BUCKETS,
  compareBucket,
  differingBuckets,
  type ParitySides,
  type Suspect,
  sidesOf,
  stillSuspected,
} from '../leg/parity.ts';
import { REPEATABLE } from '../participants.ts';
import type { Step, StepContext, Untitled } from '../plan.ts';
import { stepPause } from '../stepPause.ts';

/** Buckets compared together: 2,500 rows of 10,000. */
const BUCKETS_AT_ONCE = 64;
const KEYS_AT_ONCE = 1_000;
/** Rows on their way have this long to arrive before they count as missing. */
const ARRIVAL_MS = 250;
/**
 * Live traffic must not queue behind the backfill: above this many open messages it enqueues no more.
 */
const OPEN_LIMIT = 2_000;
const POLL_MS = 50;
/** How often a person sees how many are open. */
const SHOW_EVERY_MS = 1_000;

/**
 * Sends rows that the replica lacks from the owner's table as formal events. Resumes by bucket; a key
 * that is sent twice is superseded.
 */
export const backfill: Untitled<Step> = {
  name: 'backfill',
  kind: 'step',
  undoTitle: '',
  apply: async (context) => {
    for (const consumer of context.run.consumers) await backfillLeg(context, consumer);
  },
};

interface LegProgress {
  next: number;
  sent: number;
}

export async function backfillLeg(context: StepContext, consumer: string): Promise<void> {
  const sides = sidesOf(context, consumer);
  const differing = new Set((await differingBuckets(sides)).buckets);
  let { next, sent } = progressOf(context, consumer);
  for (; next < BUCKETS; next += BUCKETS_AT_ONCE) {
    const group = Array.from({ length: BUCKETS_AT_ONCE }, (_, i) => next + i);
    const lacking = await findLacking(
      context,
      sides,
      group.filter((one) => differing.has(one)),
    );
    sent += await send(context, consumer, lacking);
    await saveProgress(context, consumer, { next: next + BUCKETS_AT_ONCE, sent });
  }
  await context.observe(`backfilled to ${consumer}`, `${sent} entities`);
}

function progressOf({ checkpoint }: StepContext, consumer: string): LegProgress {
  return (checkpoint[consumer] as unknown as LegProgress | undefined) ?? { next: 0, sent: 0 };
}

async function saveProgress(context: StepContext, consumer: string, leg: LegProgress) {
  const checkpoint = { ...context.checkpoint, [consumer]: { ...leg } };
  const { consumers } = context.run;
  const done = consumers.reduce(
    (sum, one) => sum + ((checkpoint[one] as unknown as LegProgress | undefined)?.next ?? 0),
    0,
  );
  await context.save(checkpoint, { done, total: BUCKETS * consumers.length });
}

async function findLacking(
  context: StepContext,
  sides: ParitySides,
  buckets: readonly number[],
): Promise<Suspect[]> {
  const suspects: Suspect[] = [];
  for (const bucket of buckets) suspects.push(...(await compareBucket(sides, bucket)));
  const lacking = suspects.filter(({ version }) => version > 0n);
  if (lacking.length === 0) return [];
  await stepPause(ARRIVAL_MS, context.signal);
  return stillSuspected(sides, lacking);
}

async function send(
  context: StepContext,
  consumer: string,
  lacking: readonly Suspect[],
): Promise<number> {
  const { run, participants } = context;
  let sent = 0;
  for (let at = 0; at < lacking.length; at += KEYS_AT_ONCE) {
    const keys = lacking.slice(at, at + KEYS_AT_ONCE).map(({ key }) => key);
    await waitForRoom(context, consumer);
    const request = { link: run.link, consumer, limit: keys.length, keys };
    sent += (await participants.of(run.producer).backfill(request, REPEATABLE)).enqueued;
  }
  return sent;
}

/** Waits as long as the number of open messages keeps falling. */
async function waitForRoom(context: StepContext, consumer: string): Promise<void> {
  const { run, participants } = context;
  const request = { link: run.link, consumer };
  const patienceMs = run.settings.patience_seconds * 1_000;
  let fewest = { open: Number.POSITIVE_INFINITY, atMs: performance.now() };
  let shownMs = Number.NEGATIVE_INFINITY;
  for (;;) {
    const progress = await participants.of(run.producer).getProgress(request, REPEATABLE);
    const [open, nowMs] = [Number(progress.open), performance.now()];
    if (open <= OPEN_LIMIT) return;
    if (open < fewest.open) fewest = { open, atMs: nowMs };
    if (nowMs - fewest.atMs > patienceMs)
      throw new StepProblem(
        'stop',
        `${open} messages to ${consumer} are open and do not decrease: ` +
          `see why ${consumer} does not settle them, then relink resume ${run.id}`,
      );
    if (nowMs - shownMs > SHOW_EVERY_MS) {
      shownMs = nowMs;
      await context.observe(`open messages to ${consumer}`, String(open));
    }
    await stepPause(POLL_MS, context.signal);
  }
}
