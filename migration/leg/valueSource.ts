/** Whose value the consumers of a run's legs use, for links that may be `pull`. */
import { Reading } from '../../gen/relink/v1/participant_pb.ts';
import { RpcCallError } from '../../rpc/client.ts';
import { StepProblem } from '../errors.ts';
import { askEach, REPEATABLE } from '../participants.ts';
import type { StepContext } from '../plan.ts';
import { rememberOnce } from './lanes.ts';
import { notePlaces, READINGS } from './strays.ts';

/**
 * Changes what is read in these lanes, by compare-and-set. The revision it expects is kept in the
 * checkpoint under `memo` before the first change, so that a late repetition cannot revert a later one.
 */
export async function setReadings(
  context: StepContext,
  memo: string,
  lanes: readonly number[],
  reading: Reading,
): Promise<void> {
  const { run, participants } = context;
  const expected = await rememberOnce(context, memo, async (consumer) => {
    const request = { link: run.link, sinceUnixMs: BigInt(Date.now()) };
    return Number((await participants.of(consumer).getReadings(request, REPEATABLE)).revision);
  });
  for (const consumer of run.consumers) {
    const expectedRevision = BigInt(expected[consumer]!);
    const request = { link: run.link, lanes: [...lanes], reading, expectedRevision };
    try {
      await participants.of(consumer).setReading(request, REPEATABLE);
    } catch (error) {
      if (!(error instanceof RpcCallError) || error.reason !== 'ROUTE_CHANGED') throw error;
      throw new StepProblem(
        'stop',
        `${error.message}; something other than this run changed whose value is read`,
      );
    }
    if (run.direction === 'forward') {
      const places = lanes.map((lane) => [lane, reading] as const);
      await notePlaces(context, READINGS, consumer, places);
    }
  }
}

/** What the living processes of a consumer counted since they started. */
export interface Asked {
  readonly asked: number;
  readonly unanswered: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** Over every process of the consumer that answers; the slowest counts. Rejects when none does. */
export async function readAsked(
  { run, participants }: StepContext,
  consumer: string,
): Promise<Asked> {
  const request = { link: run.link, sinceUnixMs: BigInt(Date.now()) };
  const up = await askEach(participants.each(consumer), (client) => client.getReadings(request));
  return {
    asked: up.reduce((sum, { asked }) => sum + Number(asked), 0),
    unanswered: up.reduce((sum, { unanswered }) => sum + Number(unanswered), 0),
    p50Ms: Math.max(0, ...up.map(({ latencyP50Ms }) => latencyP50Ms)),
    p99Ms: Math.max(0, ...up.map(({ latencyP99Ms }) => latencyP99Ms)),
  };
}

export { Reading };
