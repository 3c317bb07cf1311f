import { LinkKind } from '../../gen/relink/v1/participant_pb.ts';
import type { Transport } from '../../link/link.ts';
import { StepProblem } from '../errors.ts';
import { readBalance } from '../leg/balance.ts';
import { requireHorizon } from '../leg/horizon.ts';
import { isOn, readEpochs, readLanes } from '../leg/lanes.ts';
import { newestDeadIds, readLatency } from '../leg/traffic.ts';
import { transportFromWire } from '../participants.ts';
import type { Step, StepContext, Untitled } from '../plan.ts';
import type { JsonObject } from '../run/record.ts';
import { stepPause } from '../stepPause.ts';
import { requireWantedStream } from '../streams/require.ts';

/** A restarting service is back within this time. */
const RESTART_MS = 5_000;
const POLL_MS = 200;

/** Checks all participants and measures what is normal before anything changes. Changes nothing. */
export const preflight: Untitled<Step> = {
  name: 'preflight',
  kind: 'step',
  undoTitle: '',
  check: async (context) => {
    for (const consumer of context.run.consumers) await requireSettledRoutes(context, consumer);
  },
  apply: async (context) => {
    await observeServers(context);
    await observeChoice(context);
    if (isOntoStream(context)) await requireWantedStream(context);
    for (const consumer of context.run.consumers) {
      await requireHorizon(context, consumer);
      await refuseLosses(context, consumer);
    }
    await context.remember({
      epochsAtStart: await readEpochs(context),
      newestDead: await newestDeadIds(context),
      baselineP99Ms: await measureBaseline(context),
    });
  },
};

function isOntoStream({ run: { from, to } }: StepContext): boolean {
  return to.transport === 'async' && from.transport !== 'async';
}

const WAYS: Readonly<Record<Transport, string>> = {
  sync: 'sync: the producer calls (push)',
  async: 'async: the producer publishes events',
  pull: 'pull: the consumer asks the owner',
};

/** Which way somebody chose, and which others there were: a link that leaves `async` may have two. */
async function observeChoice({ run, participants, observe }: StepContext): Promise<void> {
  const { from, to, link: id, actor } = run;
  if (from.transport === to.transport) return;
  const link = await participants.link(id);
  const others = (link?.producer.transports ?? [])
    .flatMap((wire) => transportFromWire(wire) ?? [])
    .filter((one) => one !== from.transport && one !== to.transport);
  const rest = others.map((one) => WAYS[one]).join('; ') || `${id} has no other`;
  await observe('chosen way', `${WAYS[to.transport]}; by ${actor || 'nobody named'}`);
  await observe('ways not chosen', rest);
}

async function requireSettledRoutes(context: StepContext, consumer: string): Promise<void> {
  const { run } = context;
  const strange = (await readLanes(context, consumer)).filter(
    (lane) => !isOn(lane, run.from) && !isOn(lane, run.to),
  );
  if (strange.length > 0)
    throw new StepProblem(
      'fail',
      `${strange.length} lanes of ${run.link}/${consumer} are on neither the old nor the new route; ` +
        `relink link ${run.link} shows them`,
    );
}

/**
 * A consumer whose database went back in time lacks what was settled: no certificate can say that both
 * sides are equal. Of formal links the rows heal by themselves (backfill), and functional ones have to
 * be sent again first.
 */
async function refuseLosses(context: StepContext, consumer: string): Promise<void> {
  const { participants, run } = context;
  const { link, producer } = run;
  const { missing } = await readBalance(participants, { link, producer, consumer });
  if (missing === 0) return;
  const what = `${consumer} does not know ${missing} messages that were settled there`;
  await context.observe(`lost by ${consumer}`, `${missing} messages`);
  const described = await participants.link(link);
  if (described?.producer.kind === LinkKind.FUNCTIONAL)
    throw new StepProblem(
      'fail',
      `${what}: its database went back in time; relink reconcile ${link}`,
    );
}

async function observeServers(context: StepContext): Promise<void> {
  const { run, streams } = context;
  for (const service of [run.producer, ...run.consumers]) {
    const replicas = await waitForReplicas(context, service);
    const up = replicas.flatMap(({ description }) => description ?? []);
    const { postgresVersion, natsVersion, natsMaxPayload, neededPayload } = up[0]!;
    await context.observe(
      `replicas of ${service}`,
      `${up.length} of ${replicas.length} up, PostgreSQL ${postgresVersion}, NATS ${natsVersion}`,
    );
    if (natsMaxPayload > 0n && natsMaxPayload < neededPayload)
      await context.observe(
        `max_payload of ${service}'s NATS server`,
        `${natsMaxPayload} bytes: larger messages wait; ${neededPayload} fit every message`,
      );
  }
  const account = await (await streams.manager()).getAccountInfo();
  await context.observe('JetStream', `available, ${account.streams} streams`);
}

async function waitForReplicas(context: StepContext, service: string) {
  const { participants, signal } = context;
  const untilMs = performance.now() + RESTART_MS;
  for (;;) {
    const replicas = await participants.replicas(service);
    if (replicas.some(({ description }) => description)) return replicas;
    if (performance.now() > untilMs)
      throw new StepProblem(
        'fail',
        `no replica of ${service} answers; relink topology shows which are up`,
      );
    await stepPause(POLL_MS, signal);
  }
}

async function measureBaseline(context: StepContext): Promise<JsonObject> {
  const baseline: JsonObject = {};
  for (const consumer of context.run.consumers) {
    const { p50Ms, p99Ms } = await readLatency(context, consumer);
    baseline[consumer] = p99Ms;
    await context.observe(
      `baseline of ${consumer}`,
      `p50 ${p50Ms.toFixed(1)} ms, p99 ${p99Ms.toFixed(1)} ms`,
    );
  }
  return baseline;
}
