import { StepProblem } from '../errors.ts';
import { REPEATABLE } from '../participants.ts';
import type { StepContext } from '../plan.ts';

type Asking = Pick<StepContext, 'run' | 'participants'>;

/** Every consumer of the link, also those that the run does not move. */
export async function consumersOfLink({ run, participants }: Asking): Promise<readonly string[]> {
  const link = await participants.link(run.link);
  if (!link)
    throw new StepProblem('stop', `${run.producer} does not answer: nothing was removed`, {
      isRepeatable: true,
    });
  return link.producer.consumers;
}

/** The oldest contract version that any leg of the link carries now, or was adopted to carry. */
export async function oldestCarried(context: Asking): Promise<number> {
  const { run, participants } = context;
  const versions: number[] = [];
  for (const consumer of await consumersOfLink(context)) {
    const request = { link: run.link, consumer };
    const { lanes } = await participants.of(run.producer).getRoutes(request, REPEATABLE);
    versions.push(...lanes.flatMap((lane) => [lane.version, lane.adoptedVersion]));
  }
  return Math.min(...versions);
}
