/**
 * Whether the lanes of a run are still where it put them. Anything may move one besides the run: a
 * second operator, a call by hand, a producer whose database lost its last commits. An epoch tells a lane
 * that stayed from one that left and came back.
 */
import type { LaneRoute } from '../../gen/relink/v1/route_pb.ts';
import { ALL_LANES } from '../../link/link.ts';
import { StepProblem } from '../errors.ts';
import { REPEATABLE, transportFromWire } from '../participants.ts';
import type { StepContext } from '../plan.ts';
import { linksOf, runOfLink } from '../run/links.ts';
import { type JsonObject, nameRoute, type RunRecord } from '../run/record.ts';

/** Of each consumer's lanes: the epoch under which they were moved, or the reading they were given. */
type Put = Record<string, Record<string, number>>;

/** The memory of a run: where it has put its lanes so far. */
export const MOVED = 'moved';
export const READINGS = 'readings';

type Places = typeof MOVED | typeof READINGS;

export function placesOf({ memory }: RunRecord, kind: Places, consumer: string) {
  return ((memory[kind] ?? {}) as Put)[consumer] ?? {};
}

/** Notes where lanes of a consumer were put, beside those noted before. */
export async function notePlaces(
  context: StepContext,
  kind: Places,
  consumer: string,
  lanes: readonly (readonly [lane: number, value: number])[],
): Promise<void> {
  const all = (context.run.memory[kind] ?? {}) as Put;
  const put = { ...all[consumer], ...Object.fromEntries(lanes) };
  await context.remember({ [kind]: { ...all, [consumer]: put } as JsonObject });
}

type Looking = Pick<StepContext, 'participants' | 'run'>;

/**
 * Lanes that are not where the run put them, in words; none when all are. `closing` also counts lanes
 * that the run has no note of: all must have moved.
 */
export async function findStrays(looking: Looking, { closing = false } = {}): Promise<string[]> {
  const { run, participants } = looking;
  const all = linksOf(run).map(async (moved) => {
    const found = await straysOf({ run: runOfLink(run, moved), participants }, closing);
    return run.others.length === 0 ? found : found.map((stray) => `${moved.link}: ${stray}`);
  });
  return (await Promise.all(all)).flat();
}

async function straysOf(looking: Looking, closing: boolean): Promise<string[]> {
  const all = looking.run.consumers.map(async (consumer) => [
    ...(await strayedLanes(looking, consumer, closing)),
    ...(await strayedReadings(looking, consumer)),
  ]);
  return (await Promise.all(all)).flat();
}

/** @throws StepProblem `strayed` */
export async function requireInPlace(looking: Looking, options?: { closing: boolean }) {
  const strays = await findStrays(looking, options);
  if (strays.length > 0) throw new StepProblem('strayed', describeStrays(looking.run, strays));
}

export function describeStrays(
  { id, wayBack, memory }: RunRecord,
  strays: readonly string[],
): string {
  const back = wayBack === 'keep' && !memory.completed ? `, relink rollback ${id} goes back` : '';
  return (
    `${strays.join('; ')}; something other than this run moved them: ` +
    `relink resume ${id} moves them again${back}`
  );
}

async function strayedLanes({ run, participants }: Looking, consumer: string, closing: boolean) {
  const request = { link: run.link, consumer };
  const { lanes } = await participants.of(run.producer).getRoutes(request, REPEATABLE);
  const put = placesOf(run, MOVED, consumer);
  const isStray = (one: LaneRoute) => {
    const epoch = put[one.lane];
    if (epoch === undefined && !closing) return false;
    return routeOf(one) !== nameRoute(run.to) || (epoch ?? Number(one.epoch)) !== Number(one.epoch);
  };
  const byRoute = Map.groupBy(
    lanes.filter(isStray),
    (one) => `${routeOf(one)}, epoch ${one.epoch}`,
  );
  return [...byRoute].map(([route, strays]) => {
    const numbers = strays.map(({ lane }) => lane);
    const epochs = [...new Set(numbers.flatMap((lane) => put[lane] ?? []))].join(', ');
    const wanted = nameRoute(run.to) + (epochs ? `, epoch ${epochs}` : '');
    return `${nameLanes(numbers)} of ${consumer} go by ${route}, not by ${wanted}`;
  });
}

function routeOf({ transport, version }: LaneRoute): string {
  return nameRoute({ transport: transportFromWire(transport)!, version });
}

const READERS = ['', 'the replica', 'the replica, compared with the owner', 'the owner'];

async function strayedReadings({ run, participants }: Looking, consumer: string) {
  const put = placesOf(run, READINGS, consumer);
  if (Object.keys(put).length === 0) return [];
  const request = { link: run.link, sinceUnixMs: BigInt(Date.now()) };
  const { lanes } = await participants.of(consumer).getReadings(request, REPEATABLE);
  const strays = lanes.filter(({ lane, reading }) => (put[lane] ?? reading) !== reading);
  const byReading = Map.groupBy(strays, ({ lane, reading }) => `${reading} ${put[lane]}`);
  return [...byReading.values()].map((some) => {
    const { lane, reading } = some[0]!;
    const numbers = some.map((one) => one.lane);
    return `${nameLanes(numbers)} of ${consumer} read from ${READERS[reading]}, not from ${READERS[put[lane]!]}`;
  });
}

function nameLanes(lanes: readonly number[]): string {
  if (lanes.length === ALL_LANES.length) return `all ${lanes.length} lanes`;
  return `${lanes.length === 1 ? 'lane' : 'lanes'} ${lanes.join(', ')}`;
}
