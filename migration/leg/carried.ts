import { StepProblem } from '../errors.ts';
import { REPEATABLE } from '../participants.ts';
import type { StepContext } from '../plan.ts';

/** The oldest contract version that any leg of the link carries now, or was adopted to carry. */
export async function oldestCarried({ run, participants }: StepContext): Promise<number> {
  const link = (await participants.topology()).links.get(run.link);
  if (!link)
    throw new StepProblem('stop', `${run.producer} does not answer: nothing was removed`, {
      isRepeatable: true,
    });
  const versions: number[] = [];
  for (const consumer of link.producer.consumers) {
    const request = { link: run.link, consumer };
    const { lanes } = await participants.of(run.producer).getRoutes(request, REPEATABLE);
    versions.push(...lanes.flatMap((lane) => [lane.version, lane.adoptedVersion]));
  }
  return Math.min(...versions);
}
