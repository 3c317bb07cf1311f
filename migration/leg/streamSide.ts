/**
 * The consumer's side of JetStream: created by one step, removed by another or by going back. Nothing
 * is removed on a guess: going back removes only what the run made, and where a service does not answer
 * or somebody else reads the stream, it stays and the run stops.
 */
import {
  ensureConsumer,
  ensureStream,
  readConsumer,
  readStream,
  removeConsumer,
  removeStream,
} from '../../link/transport/jetStream/provision.ts';
import { StepProblem } from '../errors.ts';
import { type DescribedLink, REPEATABLE, transportFromWire } from '../participants.ts';
import type { StepContext } from '../plan.ts';
import { stepPause } from '../stepPause.ts';
import { demandOf } from '../streams/differences.ts';
import { describedLink, requireWantedStream } from '../streams/require.ts';
import { listDurables } from '../streams/state.ts';

const POLL_MS = 50;
/**
 * A process follows a change of what it listens to within 200 ms; after this time it is stuck or down.
 */
const UNBIND_MS = 5_000;

/** What the run found missing and therefore made. */
interface Made {
  readonly stream: boolean;
  readonly durables: readonly string[];
  readonly listening: readonly string[];
}

/** Creates the stream and the durable consumers, then lets the consumers listen. */
export async function openStreamSide(context: StepContext): Promise<void> {
  const { run, streams, participants } = context;
  await streams.alone(run.link, async () => {
    await noteMissing(context);
    const demand = demandOf(await describedLink(context));
    await ensureStream(await streams.manager(), run.link, demand);
    for (const consumer of run.consumers)
      await ensureConsumer(await streams.manager(), run.link, consumer);
    await requireWantedStream(context);
    for (const consumer of run.consumers)
      await participants.of(consumer).setListening({ link: run.link, listening: true }, REPEATABLE);
  });
}

/** Before anything is made, and once: a repetition would find what the first attempt made. */
async function noteMissing(context: StepContext): Promise<void> {
  const { run, streams, participants } = context;
  if (run.memory.streamSide) return;
  const manager = await streams.manager();
  const stream = (await readStream(manager, run.link)) === undefined;
  const link = await participants.link(run.link);
  const [durables, listening]: [string[], string[]] = [[], []];
  for (const consumer of run.consumers) {
    const consumed = link?.consumers.get(consumer);
    if (!consumed) throw unanswered(context, consumer);
    if (!consumed.listening) listening.push(consumer);
    if (stream || !(await readConsumer(manager, run.link, consumer))) durables.push(consumer);
  }
  await context.remember({ streamSide: { stream, durables, listening } });
}

/** Undoes `openStreamSide`: removes what the run made. Safe to repeat. */
export async function closeStreamSide(context: StepContext): Promise<void> {
  // A run that an older release started has no note: its consumers only stop listening.
  const made = (context.run.memory.streamSide ?? {
    ...{ stream: false, durables: [], listening: context.run.consumers },
  }) as unknown as Made;
  await closeConsumers(context, made);
  if (made.stream) return removeUnusedStream(context);
  await context.observe('stream', 'kept: this run did not make it');
}

/** Lets consumers stop listening, then removes durable consumers. Safe to repeat. */
export async function closeConsumers(
  context: StepContext,
  { listening, durables }: Omit<Made, 'stream'>,
): Promise<void> {
  const { run, streams, participants } = context;
  await streams.alone(run.link, async () => {
    for (const consumer of listening)
      await participants
        .of(consumer)
        .setListening({ link: run.link, listening: false }, REPEATABLE);
    for (const consumer of listening) await waitUntilUnbound(context, consumer);
    for (const consumer of durables) {
      const isRemoved = await removeConsumer(await streams.manager(), run.link, consumer);
      if (isRemoved) await context.observe(`durable consumer of ${consumer}`, 'removed');
    }
  });
}

/**
 * Removes the stream unless another leg or run needs it. Safe to repeat.
 * @throws StepProblem `stop` when a service does not answer, or somebody else has a durable consumer
 */
export async function removeUnusedStream(context: StepContext): Promise<void> {
  const { run, streams } = context;
  await streams.alone(run.link, async () => {
    if (!(await readStream(await streams.manager(), run.link))) return;
    if (await isStreamNeeded(context)) return context.observe('stream', 'kept: other legs use it');
    if (await removeStream(await streams.manager(), run.link))
      await context.observe('stream', 'removed');
  });
}

async function waitUntilUnbound(context: StepContext, consumer: string): Promise<void> {
  const { run, participants, signal } = context;
  const untilMs = performance.now() + UNBIND_MS;
  for (;;) {
    const replicas = await participants.replicas(consumer);
    const up = replicas.flatMap(({ description }) => description ?? []);
    const isBound = up.some(({ consumes }) =>
      consumes.some((link) => link.id === run.link && link.bound),
    );
    if (up.length > 0 && !isBound) return;
    if (performance.now() > untilMs) throw unanswered(context, consumer);
    await stepPause(POLL_MS, signal);
  }
}

function unanswered({ run }: StepContext, service: string): StepProblem {
  return new StepProblem(
    'stop',
    `${service} does not answer or does not follow, so nobody knows whether it uses the stream ` +
      `${run.link}: nothing was removed; once it answers: relink resume ${run.id}`,
    { isRepeatable: true },
  );
}

/** Whether another run, a leg outside this run, or a lane that was moved meanwhile uses the stream. */
async function isStreamNeeded(context: StepContext): Promise<boolean> {
  const { run, streams, participants } = context;
  if (await streams.isNeededByOthers(run)) return true;
  const link = await participants.link(run.link);
  if (!link) throw unanswered(context, run.producer);
  for (const consumer of link.producer.consumers) {
    const consumed = link.consumers.get(consumer);
    if (!consumed) throw unanswered(context, consumer);
    if (consumed.listening && !run.consumers.includes(consumer)) return true;
    const request = { link: run.link, consumer };
    const { lanes } = await participants.of(run.producer).getRoutes(request, REPEATABLE);
    const uses = [...lanes.flatMap((one) => [one.transport, one.adoptedTransport, one.shadow])];
    if (uses.some((one) => transportFromWire(one) === 'async')) return true;
  }
  await refuseForeign(context, link);
  return false;
}

/** Whoever made such a consumer would lose what it has not read. */
async function refuseForeign({ run, streams }: StepContext, link: DescribedLink): Promise<void> {
  const durables = await listDurables(await streams.manager(), run.link);
  const foreign = durables.filter((name) => !link.producer.consumers.includes(name));
  if (foreign.length === 0) return;
  throw new StepProblem(
    'stop',
    `the stream ${run.link} has durable consumers of somebody else (${foreign.join(', ')}), so it ` +
      `stays; when nobody needs them: nats consumer rm ${run.link} ${foreign[0]}, then ` +
      `relink resume ${run.id}`,
  );
}
