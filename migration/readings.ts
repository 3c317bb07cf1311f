/** Whose value the consumers of a run's legs use, for links that may be `pull`. */
import { Reading } from '../gen/relink/v1/participant_pb.ts';
import { REPEATABLE } from './participants.ts';
import type { JsonObject, StepContext } from './plan.ts';

export async function setReadings(
  { run, participants }: StepContext,
  lanes: readonly number[],
  reading: Reading,
): Promise<void> {
  const request = { link: run.link, lanes: [...lanes], reading };
  for (const consumer of run.consumers)
    await participants.of(consumer).setReading(request, REPEATABLE);
}

/** What the living processes of a consumer counted since they started. */
export interface Asked {
  readonly asked: number;
  readonly unanswered: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** Over every process of the consumer that answers; the slowest counts. */
export async function readAsked(
  { run, participants }: StepContext,
  consumer: string,
): Promise<Asked> {
  const request = { link: run.link, sinceUnixMs: BigInt(Date.now()) };
  const answers = await Promise.all(
    participants.each(consumer).map((client) => client.getReadings(request).catch(() => undefined)),
  );
  const up = answers.filter((answer) => answer !== undefined);
  return {
    asked: up.reduce((sum, { asked }) => sum + Number(asked), 0),
    unanswered: up.reduce((sum, { unanswered }) => sum + Number(unanswered), 0),
    p50Ms: Math.max(0, ...up.map(({ latencyP50Ms }) => latencyP50Ms)),
    p99Ms: Math.max(0, ...up.map(({ latencyP99Ms }) => latencyP99Ms)),
  };
}

/** What gates compare with: the moment, and what was counted until then. */
export async function markReadings(context: StepContext): Promise<void> {
  const readings: JsonObject = { sinceMs: Date.now() };
  for (const consumer of context.run.consumers) {
    const { asked, unanswered } = await readAsked(context, consumer);
    readings[consumer] = { asked, unanswered };
  }
  context.remember({ readings });
}

export interface Mark {
  readonly sinceMs: number;
  /** Counted until then. */
  readonly before: { readonly asked: number; readonly unanswered: number };
}

export function markOf({ run }: StepContext, consumer: string): Mark {
  const readings = (run.memory.readings ?? {}) as Record<string, unknown>;
  return {
    sinceMs: Number(readings.sinceMs ?? 0),
    before: (readings[consumer] as Mark['before'] | undefined) ?? { asked: 0, unanswered: 0 },
  };
}

export { Reading };
