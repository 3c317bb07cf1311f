/** The consumer's side of JetStream: created by one step, removed by another or by going back. */
import {
  ensureConsumer,
  ensureStream,
  removeConsumer,
  removeStream,
} from '../../link/transport/jetStream/provision.ts';
import { REPEATABLE, transportFromWire } from '../participants.ts';
import type { StepContext } from '../plan.ts';
import { stepPause } from '../stepPause.ts';

const POLL_MS = 50;
/**
 * A process follows a change of what it listens to within 200 ms; after this time it is stuck or down.
 */
const UNBIND_MS = 5_000;

/** Creates the stream and the durable consumers, then lets the consumers listen. */
export async function openStreamSide(context: StepContext): Promise<void> {
  const { run, streams, participants } = context;
  await streams.alone(run.link, async () => {
    await ensureStream(await streams.manager(), run.link);
    for (const consumer of run.consumers)
      await ensureConsumer(await streams.manager(), run.link, consumer);
    for (const consumer of run.consumers)
      await participants.of(consumer).setListening({ link: run.link, listening: true }, REPEATABLE);
  });
}

/** Undoes `openStreamSide`. Safe to repeat. */
export async function closeStreamSide(context: StepContext): Promise<void> {
  await closeConsumers(context);
  await removeUnusedStream(context);
}

/** Lets the consumers stop listening, then removes their durable consumers. Safe to repeat. */
export async function closeConsumers(context: StepContext): Promise<void> {
  const { run, streams, participants } = context;
  await streams.alone(run.link, async () => {
    for (const consumer of run.consumers)
      await participants
        .of(consumer)
        .setListening({ link: run.link, listening: false }, REPEATABLE);
    for (const consumer of run.consumers) await waitUntilUnbound(context, consumer);
    for (const consumer of run.consumers) {
      const isRemoved = await removeConsumer(await streams.manager(), run.link, consumer);
      if (isRemoved) await context.observe(`durable consumer of ${consumer}`, 'removed');
    }
  });
}

/** Removes the stream unless another leg or run needs it. Safe to repeat. */
export async function removeUnusedStream(context: StepContext): Promise<void> {
  const { run, streams } = context;
  await streams.alone(run.link, async () => {
    if (await isStreamNeeded(context)) return context.observe('stream', 'kept: other legs use it');
    const manager = await streams.manager();
    if (await removeStream(manager, run.link)) await context.observe('stream', 'removed');
  });
}

async function waitUntilUnbound({ run, participants, signal }: StepContext, consumer: string) {
  const untilMs = performance.now() + UNBIND_MS;
  for (;;) {
    const replicas = await participants.replicas(consumer);
    const isBound = replicas.some(({ description }) =>
      description?.consumes.some((link) => link.id === run.link && link.bound),
    );
    if (!isBound || performance.now() > untilMs) return;
    await stepPause(POLL_MS, signal);
  }
}

/** Whether a leg outside this run, or another run, uses the link's stream. */
async function isStreamNeeded({ run, streams, participants }: StepContext): Promise<boolean> {
  if (await streams.isNeededByOthers(run)) return true;
  const link = (await participants.topology()).get(run.link);
  for (const consumer of link?.producer.consumers ?? []) {
    if (run.consumers.includes(consumer)) continue;
    // A consumer that does not answer may be listening: keep the stream.
    const consumed = link?.consumers.get(consumer);
    if (!consumed || consumed.listening) return true;
    const request = { link: run.link, consumer };
    const { lanes } = await participants.of(run.producer).getRoutes(request, REPEATABLE);
    const uses = [...lanes.flatMap((one) => [one.transport, one.adoptedTransport, one.shadow])];
    if (uses.some((one) => transportFromWire(one) === 'async')) return true;
  }
  return false;
}
