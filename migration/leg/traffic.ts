/** What the engine reads about a leg's traffic, across all processes of the producer. */

import { followPages } from '../../rpc/paging.ts';
import { askEach, REPEATABLE } from '../participants.ts';
import type { ClosingContext, StepContext } from '../plan.ts';
import type { JsonObject } from '../run/record.ts';
import { readClosed } from './digests.ts';
import { MOVED, placesOf } from './strays.ts';

const DEAD_LETTER_PAGE = 500;

export interface Latency {
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/**
 * Of messages settled within the last `recentMs`; 0 for about a minute. The slowest process counts:
 * each sees only the lanes it owns.
 */
export async function readLatency(
  context: StepContext,
  consumer: string,
  { recentMs = 0, lanes = [] }: { recentMs?: number; lanes?: readonly number[] } = {},
): Promise<Latency> {
  const all = await readProgress(context, consumer, { recentMs, lanes });
  return {
    p50Ms: Math.max(0, ...all.map(({ latencyP50Ms }) => latencyP50Ms)),
    p99Ms: Math.max(0, ...all.map(({ latencyP99Ms }) => latencyP99Ms)),
  };
}

/** Attempts on some lanes since the run moved them. */
export interface Traffic {
  /** Failed attempts, as counted by the live processes. */
  readonly failed: number;
  readonly closed: number;
  readonly lastError: string;
  /** Enqueued and not settled. */
  readonly open: number;
  readonly oldestMs: number;
}

/** Without `lanes` of the whole leg, under every epoch. */
export async function readTraffic(
  context: StepContext,
  consumer: string,
  lanes: readonly number[] = [],
): Promise<Traffic> {
  const all = await readProgress(context, consumer, { lanes });
  return {
    failed: all.reduce((sum, { failed }) => sum + Number(failed), 0),
    closed: await countClosed(context, consumer, lanes),
    lastError: all.map(({ lastError }) => lastError).find((error) => error !== '') ?? '',
    open: Math.max(0, ...all.map(({ open }) => Number(open))),
    oldestMs: Math.max(0, ...all.map(({ oldestOpenMs }) => Number(oldestOpenMs))),
  };
}

/** Messages settled; of `lanes` only those under the epoch that the run gave them. */
async function countClosed(context: StepContext, consumer: string, lanes: readonly number[]) {
  const { run, participants } = context;
  const closed = await readClosed(participants.of(run.producer), { link: run.link, consumer });
  const moved = placesOf(run, MOVED, consumer);
  return closed
    .filter(
      ({ lane, epoch }) =>
        lanes.length === 0 || (lanes.includes(lane) && moved[lane] === Number(epoch)),
    )
    .reduce((sum, { digest }) => sum + Number(digest?.count ?? 0n), 0);
}

interface Wanted {
  readonly recentMs?: number;
  readonly lanes?: readonly number[];
}

async function readProgress(
  { run, participants }: StepContext,
  consumer: string,
  { recentMs = 0, lanes = [] }: Wanted = {},
) {
  const request = { link: run.link, consumer, recentMs, lanes: [...lanes] };
  return askEach(participants.each(run.producer), (client) => client.getProgress(request));
}

/** Unsettled dead letters of the link at the consumer, oldest first. */
export async function listDead(
  { run, participants }: ClosingContext,
  consumer: string,
  newerThanId = '',
) {
  const { entries } = await followPages(async (afterId: string = newerThanId) => {
    const request = { link: run.link, limit: DEAD_LETTER_PAGE, afterId };
    const page = await participants.of(consumer).listDeadLetters(request, REPEATABLE);
    return { entries: page.deadLetters, next: page.nextId || undefined };
  });
  return entries;
}

/** By consumer; empty where there is none. Ids grow with time. */
export async function newestDeadIds(context: StepContext): Promise<JsonObject> {
  const ids: JsonObject = {};
  for (const consumer of context.run.consumers)
    ids[consumer] = (await listDead(context, consumer)).at(-1)?.id ?? '';
  return ids;
}
