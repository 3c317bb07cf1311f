/** What the engine reads about a leg's traffic, across all processes of the producer. */

import { askEach, REPEATABLE } from '../participants.ts';
import type { StepContext } from '../plan.ts';
import type { JsonObject } from '../run/record.ts';

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
  recentMs = 0,
): Promise<Latency> {
  const all = await readProgress(context, consumer, recentMs);
  return {
    p50Ms: Math.max(0, ...all.map(({ latencyP50Ms }) => latencyP50Ms)),
    p99Ms: Math.max(0, ...all.map(({ latencyP99Ms }) => latencyP99Ms)),
  };
}

export interface Traffic {
  /** Failed attempts, as counted by the live processes. */
  readonly failed: number;
  readonly closed: number;
  readonly lastError: string;
}

export async function readTraffic(context: StepContext, consumer: string): Promise<Traffic> {
  const { run, participants } = context;
  const all = await readProgress(context, consumer);
  const request = { link: run.link, consumer, epoch: 0n };
  const { lanes } = await participants.of(run.producer).getClosed(request, REPEATABLE);
  return {
    failed: all.reduce((sum, { failed }) => sum + Number(failed), 0),
    closed: lanes.reduce((sum, { digest }) => sum + Number(digest?.count ?? 0n), 0),
    lastError: all.map(({ lastError }) => lastError).find((error) => error !== '') ?? '',
  };
}

async function readProgress({ run, participants }: StepContext, consumer: string, recentMs = 0) {
  const request = { link: run.link, consumer, recentMs };
  return askEach(participants.each(run.producer), (client) => client.getProgress(request));
}

/** Unsettled dead letters of the link at the consumer, oldest first. */
export async function listDead(
  { run, participants }: StepContext,
  consumer: string,
  newerThanId = '',
) {
  const found = [];
  for (let afterId = newerThanId; ; ) {
    const request = { link: run.link, limit: DEAD_LETTER_PAGE, afterId };
    const page = await participants.of(consumer).listDeadLetters(request, REPEATABLE);
    found.push(...page.deadLetters);
    if (page.nextId === '') return found;
    afterId = page.nextId;
  }
}

/** By consumer; empty where there is none. Ids grow with time. */
export async function newestDeadIds(context: StepContext): Promise<JsonObject> {
  const ids: JsonObject = {};
  for (const consumer of context.run.consumers)
    ids[consumer] = (await listDead(context, consumer)).at(-1)?.id ?? '';
  return ids;
}
