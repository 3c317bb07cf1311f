import { askIdle } from '../leg/idle.ts';
import { readTraffic } from '../leg/traffic.ts';
import type { Measure, Reading, StepContext } from '../plan.ts';

/** The lanes that just moved carried messages by their new route, and their receipts came. */
export const delivered = (lanes: readonly number[]): Measure => ({
  name: 'delivered',
  unanswered: 'inconclusive',
  thresholds: ['lane_messages'],
  read: async (context) =>
    Promise.all(context.run.consumers.map((consumer) => readDelivered(context, consumer, lanes))),
});

async function readDelivered(context: StepContext, consumer: string, lanes: readonly number[]) {
  const { closed, open } = await readTraffic(context, consumer, lanes);
  const wanted = context.run.settings.lane_messages;
  const isIdle = closed < wanted ? await askIdle(context, consumer, open) : undefined;
  return {
    what: `messages that ${consumer} settled by the new route`,
    verdict: (isIdle?.isEnough ?? true) ? 'pass' : 'wait',
    value: isIdle ? `${closed} (${isIdle.text})` : String(closed),
    threshold: `${wanted} or more`,
  } satisfies Reading;
}
