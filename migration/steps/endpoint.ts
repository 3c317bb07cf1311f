import { StepProblem } from '../errors.ts';
import { requireInPlace } from '../leg/strays.ts';
import type { Step, Untitled } from '../plan.ts';
import type { RunRecord } from '../run/record.ts';

/** Requires the consumer's gRPC method for the link. */
export const findEndpoint: Untitled<Step> = {
  name: 'find-endpoint',
  kind: 'step',
  undoTitle: '',
  apply: async (context) => {
    const { run, participants } = context;
    const link = await participants.link(run.link);
    for (const consumer of run.consumers) {
      const consumed = link?.consumers.get(consumer);
      if (!consumed) throw silent(run, consumer);
      const method = consumed.methods[consumer];
      if (!method)
        throw new StepProblem(
          'fail',
          `${consumer} has no method for ${run.link}; deploy one, then start again`,
        );
      await context.observe(`endpoint of ${consumer}`, method);
    }
  },
};

function silent({ link }: RunRecord, consumer: string): StepProblem {
  const why = `the producer or ${consumer} does not answer, so nobody knows its method for ${link}`;
  return new StepProblem('fail', why, { isRepeatable: true });
}

/**
 * After `complete`: records that the link no longer calls the endpoint, and under which names people
 * still watch it. The method itself stays: the map names it, and a move back needs it.
 */
export const retireEndpoint: Untitled<Step> = {
  name: 'retire-endpoint',
  kind: 'step',
  undoTitle: '',
  check: (context) => requireInPlace(context, { closing: true }),
  apply: async (context) => {
    const { run, participants } = context;
    const link = await participants.link(run.link);
    for (const consumer of run.consumers) {
      const method = link?.producer.methods[consumer];
      await context.observe(
        `endpoint of ${consumer}`,
        `${method ?? 'its method'} is no longer called by ${run.link}; it stays for a move back`,
      );
      if (method) await context.observe(`dashboards of ${consumer}`, describeSilence(method));
    }
  },
};

function describeSilence(path: string): string {
  const [service, method] = path.split('/');
  return `relink_rpc_server_seconds{service="${service}",method="${method}"} gets no more samples`;
}
