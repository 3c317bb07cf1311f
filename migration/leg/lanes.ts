/**
 * Reading and changing the routes of a run's legs; every step that moves traffic goes through here.
 */

import type { LaneRoute } from '../../gen/relink/v1/route_pb.ts';
import { ALL_LANES } from '../../link/link.ts';
import { RpcCallError } from '../../rpc/client.ts';
import { StepProblem } from '../errors.ts';
import { REPEATABLE, transportFromWire, transportToWire } from '../participants.ts';
import type { StepContext } from '../plan.ts';
import type { JsonObject, RouteName } from '../run/record.ts';
import { stepPause } from '../stepPause.ts';
import { readKnownEpochs } from './knownEpochs.ts';
import { MOVED, notePlaces } from './strays.ts';

const POLL_MS = 50;

export type Lanes = readonly LaneRoute[];

export async function readLanes(context: StepContext, consumer: string): Promise<Lanes> {
  const { run, participants } = context;
  const request = { link: run.link, consumer };
  return (await participants.of(run.producer).getRoutes(request, REPEATABLE)).lanes;
}

/** The epochs of the leg's lanes before this run changed anything; preflight learns them. */
export function epochsAtStart({ memory }: StepContext['run'], consumer: string): number[] {
  const epochs = (memory.epochsAtStart ?? {}) as Record<string, number[]>;
  return epochs[consumer] ?? [0];
}

export async function readEpochs(context: StepContext): Promise<JsonObject> {
  const epochs: JsonObject = {};
  for (const consumer of context.run.consumers) {
    const lanes = await readLanes(context, consumer);
    epochs[consumer] = [...new Set(lanes.map(({ epoch }) => Number(epoch)))];
  }
  return epochs;
}

/** Which lanes each stage of a plan moves in addition. */
export const STAGES = {
  canary: ALL_LANES.slice(0, 1),
  quarter: ALL_LANES.slice(1, ALL_LANES.length / 4),
  all: ALL_LANES.slice(ALL_LANES.length / 4),
} as const;

export type Stage = keyof typeof STAGES;

export function isOn(lane: LaneRoute, route: RouteName): boolean {
  return transportFromWire(lane.transport) === route.transport && lane.version === route.version;
}

export function isAdopted(lane: LaneRoute): boolean {
  return lane.adoptedEpoch === lane.epoch;
}

/**
 * Gives the lanes of every leg the route, each leg by compare-and-set. What it expects is kept in
 * the checkpoint under `memo` before the first change, so that a repetition cannot revert a later
 * change.
 */
export async function moveLanes(
  context: StepContext,
  memo: string,
  lanes: readonly number[],
  route: RouteName,
): Promise<void> {
  const expected = await rememberOnce(context, memo, async (consumer) => {
    const named = (await readLanes(context, consumer)).filter(({ lane }) => lanes.includes(lane));
    return Math.max(...named.map(({ epoch }) => Number(epoch)));
  });
  for (const consumer of context.run.consumers) {
    await moveLeg(context, consumer, lanes, route, expected[consumer]!);
    if (context.run.direction === 'forward') await noteMoved(context, consumer, lanes);
    await context.observe(`route of ${consumer}`, `${lanes.length} lanes to ${route.transport}`);
  }
}

/** Every later gate wants these lanes on this route, under these epochs. */
async function noteMoved(context: StepContext, consumer: string, lanes: readonly number[]) {
  const moved = (await readLanes(context, consumer)).filter(({ lane }) => lanes.includes(lane));
  const places = moved.map(({ lane, epoch }) => [lane, Number(epoch)] as const);
  await notePlaces(context, MOVED, consumer, places);
}

/**
 * What the change of each leg expects to find, read before the first change and kept in the checkpoint
 * under `memo`, so that a repetition after a crash expects the same.
 */
export async function rememberOnce(
  context: StepContext,
  memo: string,
  read: (consumer: string) => Promise<number>,
): Promise<Record<string, number>> {
  const known = context.checkpoint[memo] as Record<string, number> | undefined;
  if (known) return known;
  const expected: Record<string, number> = {};
  for (const consumer of context.run.consumers) expected[consumer] = await read(consumer);
  await context.save({ ...context.checkpoint, [memo]: expected as JsonObject });
  return expected;
}

/** Waits while an earlier change of a lane is not adopted; going back releases it after a time. */
async function moveLeg(
  context: StepContext,
  consumer: string,
  lanes: readonly number[],
  route: RouteName,
  expectedEpoch: number,
): Promise<void> {
  const { run, participants, signal } = context;
  const named = (await readLanes(context, consumer)).filter(({ lane }) => lanes.includes(lane));
  const known = await readKnownEpochs(context, consumer, named);
  for (;;) {
    try {
      await participants.of(run.producer).changeRoute(
        {
          link: run.link,
          consumer,
          lanes: [...lanes],
          transport: transportToWire(route.transport),
          version: route.version,
          expectedEpoch: BigInt(expectedEpoch),
          hold: run.isHeld,
          ...known,
        },
        REPEATABLE,
      );
      return;
    } catch (error) {
      if (!(error instanceof RpcCallError)) throw error;
      if (error.reason === 'ROUTE_CHANGED')
        throw new StepProblem(
          'stop',
          `${error.message}; something other than this run changed the route`,
        );
      if (error.reason !== 'ROUTE_PENDING') throw error;
    }
    await releaseOverdue(context, consumer);
    await stepPause(POLL_MS, signal);
  }
}

/**
 * Going back, the route that lanes leave may be the broken one: those that wait too long for what is
 * in flight are released. Inbox and version check keep that correct (protocol, rule 4).
 */
export async function releaseOverdue(context: StepContext, consumer: string): Promise<void> {
  const { run, participants } = context;
  if (run.direction !== 'back') return;
  if (context.elapsedMs() < run.settings.release_hold_seconds * 1_000) return;
  const lanes = await readLanes(context, consumer);
  const held = new Set(lanes.filter((one) => !isAdopted(one) && one.hold).map((one) => one.epoch));
  for (const epoch of held) {
    await participants
      .of(run.producer)
      .releaseHold({ link: run.link, consumer, epoch }, REPEATABLE);
    await context.observe(`hold released for ${consumer}`, `epoch ${epoch}`);
  }
}
