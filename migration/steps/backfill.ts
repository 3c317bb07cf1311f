import {
  comparePart,
  differingParts,
  type ParitySides,
  type Part,
  type Suspect,
  sidesOf,
  stillSuspected,
} from '../leg/parity.ts';
import { waitForRoom } from '../leg/room.ts';
import { REPEATABLE } from '../participants.ts';
import type { Step, StepContext, Untitled } from '../plan.ts';
import { stepPause } from '../stepPause.ts';

const KEYS_AT_ONCE = 1_000;
/** Rows on their way have this long to arrive before they count as missing. */
const ARRIVAL_MS = 250;
/** So many at once are not on their way: looking again would read the table once more. */
const LOOKED_AT_AGAIN = 1_000;

/**
 * Sends rows that the replica lacks from the owner's table as formal events. When it is
 * resumed, what arrived meanwhile differs no more; a key that is sent twice is superseded.
 */
export const backfill: Untitled<Step> = {
  name: 'backfill',
  kind: 'step',
  undoTitle: '',
  apply: async (context) => {
    for (const consumer of context.run.consumers) await backfillLeg(context, consumer);
  },
};

export async function backfillLeg(context: StepContext, consumer: string): Promise<void> {
  const sides = sidesOf(context, consumer);
  const { parts } = await differingParts(sides);
  const before = context.checkpoint[consumer] as { sent: number } | undefined;
  let sent = before?.sent ?? 0;
  const save = (done: number) =>
    context.save({ ...context.checkpoint, [consumer]: { sent } }, { done, total: parts.length });
  if (!before) await save(0);
  for (const [nth, part] of parts.entries()) {
    sent += await send(context, consumer, await findLacking(context, sides, part));
    await save(nth + 1);
  }
  await context.observe(`backfilled to ${consumer}`, `${sent} entities`);
}

async function findLacking(
  context: StepContext,
  sides: ParitySides,
  part: Part,
): Promise<Suspect[]> {
  const suspects = await comparePart(sides, part);
  const lacking = suspects.filter(({ version }) => version > 0n);
  if (lacking.length === 0 || lacking.length > LOOKED_AT_AGAIN) return lacking;
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
