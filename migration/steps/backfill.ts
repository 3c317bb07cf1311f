import {
  BUCKETS,
  compareBucket,
  differingBuckets,
  type ParitySides,
  type Suspect,
  sidesOf,
  stillSuspected,
} from '../leg/parity.ts';
import { waitForRoom } from '../leg/room.ts';
import { REPEATABLE } from '../participants.ts';
import type { Step, StepContext, Untitled } from '../plan.ts';
import { stepPause } from '../stepPause.ts';

/** Buckets compared together: 2,500 rows of 10,000. */
const BUCKETS_AT_ONCE = 64;
const KEYS_AT_ONCE = 1_000;
/** Rows on their way have this long to arrive before they count as missing. */
const ARRIVAL_MS = 250;

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
