import { Transport as Wire } from '../../gen/relink/v1/route_pb.ts';
import { readTraffic } from '../leg/traffic.ts';
import { REPEATABLE, transportToWire } from '../participants.ts';
import type { Step, StepContext, Untitled } from '../plan.ts';
import type { JsonObject } from '../run/record.ts';

/** Messages on their way when copying began have no copy, so they are not compared. */
const BEGINNING_MS = 300;

/** A copy of every message goes by the new path; the consumer tries it and keeps nothing. */
export const startShadow: Untitled<Step> = {
  name: 'shadow-on',
  kind: 'step',
  undoTitle: 'stop shadow traffic',
  apply: async (context) => {
    await setShadow(context, transportToWire(context.run.to.transport));
    await beginComparing(context);
  },
  undo: stopCopies,
};

export const stopShadow: Untitled<Step> = {
  name: 'shadow-off',
  kind: 'step',
  undoTitle: '',
  apply: stopCopies,
};

/** Compares copies from now on. */
export async function beginComparing(context: StepContext): Promise<void> {
  const shadow: JsonObject = {};
  for (const consumer of context.run.consumers)
    shadow[consumer] = {
      sinceMs: Date.now() + BEGINNING_MS,
      closed: (await readTraffic(context, consumer)).closed,
    };
  await context.remember({ shadow });
}

async function stopCopies(context: StepContext): Promise<void> {
  await setShadow(context, Wire.UNSPECIFIED);
}

async function setShadow({ run, participants }: StepContext, transport: Wire): Promise<void> {
  for (const consumer of run.consumers)
    await participants
      .of(run.producer)
      .setShadow({ link: run.link, consumer, transport }, REPEATABLE);
}
