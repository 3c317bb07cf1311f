import { transportFromWire } from '../participants.ts';
import type { Measure, Reading, StepContext } from '../plan.ts';

/** Every replica of the consumer is up and accepts messages by the new route. */
export const consumerReady: Measure = {
  name: 'consumer ready',
  unanswered: 'fail',
  read: async (context) =>
    Promise.all(context.run.consumers.map((consumer) => readReadiness(context, consumer))),
};

async function readReadiness({ run, participants }: StepContext, consumer: string) {
  const replicas = await participants.replicas(consumer);
  const problems = replicas.flatMap(({ address, description }) => {
    const link = description?.consumes.find(({ id }) => id === run.link);
    if (!description) return [`${address} does not answer`];
    if (!link) return [`${address} does not consume ${run.link}`];
    if (!link.transports.some((one) => transportFromWire(one) === run.to.transport))
      return [`${address} cannot take ${run.to.transport}`];
    if (run.to.transport === 'async' && !(link.listening && link.bound))
      return [`${address} is not bound to the stream`];
    return [];
  });
  return {
    what: `replicas of ${consumer} that are ready`,
    verdict: problems.length === 0 ? 'pass' : 'wait',
    value: problems.join('; ') || `${replicas.length} of ${replicas.length}`,
    threshold: 'all',
  } satisfies Reading;
}
