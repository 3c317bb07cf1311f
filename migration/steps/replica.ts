import { StepProblem } from '../errors.ts';
import { REPEATABLE } from '../participants.ts';
import type { Step, StepContext, Untitled } from '../plan.ts';

/** Creates the replica's table, which a migration to `pull` may have dropped. */
export const makeReplica: Untitled<Step> = {
  name: 'make-replica',
  kind: 'step',
  undoTitle: "drop the replica's table again",
  apply: async (context) => {
    await noteMissing(context);
    await setReplica(context, context.run.consumers, true);
  },
  undo: (context) => setReplica(context, madeBy(context), false),
};

/** Before the first table is made: only what the run made is dropped on the way back. */
async function noteMissing(context: StepContext): Promise<void> {
  const { run, participants } = context;
  if (run.memory.madeReplicas) return;
  const madeReplicas: string[] = [];
  for (const consumer of run.consumers) {
    const request = { link: run.link, sinceUnixMs: BigInt(Date.now()) };
    const { hasReplica } = await participants.of(consumer).getReadings(request, REPEATABLE);
    if (!hasReplica) madeReplicas.push(consumer);
  }
  await context.remember({ madeReplicas });
}

function madeBy({ run }: StepContext): readonly string[] {
  return (run.memory.madeReplicas ?? []) as string[];
}

/** After `complete`. The consumer refuses while anything reads the table. */
export const dropReplica: Untitled<Step> = {
  name: 'drop-replica',
  kind: 'step',
  undoTitle: '',
  apply: (context) => setReplica(context, context.run.consumers, false),
};

async function setReplica(
  context: StepContext,
  consumers: readonly string[],
  exists: boolean,
): Promise<void> {
  const { run, participants } = context;
  for (const consumer of consumers) {
    const request = { link: run.link, exists };
    const { changed } = await participants.of(consumer).setReplica(request, REPEATABLE);
    if (changed)
      await context.observe(`replica's table at ${consumer}`, exists ? 'created' : 'dropped');
  }
}

/** After `complete`: verifies that nothing of the old route remains. */
export const verifyClean: Untitled<Step> = {
  name: 'look-clean',
  kind: 'step',
  undoTitle: '',
  apply: async (context) => {
    const { run, participants } = context;
    for (const consumer of run.consumers) {
      const request = { link: run.link, sinceUnixMs: 0n };
      const { hasReplica } = await participants.of(consumer).getReadings(request, REPEATABLE);
      const replicas = await participants.replicas(consumer);
      const isListening = replicas.some(({ description }) =>
        description?.consumes.some((link) => link.id === run.link && link.listening),
      );
      if (hasReplica || isListening)
        throw new StepProblem('stop', `${consumer} still has a replica or listens for changes`);
      await context.observe(`remaining from the old route at ${consumer}`, 'nothing');
    }
  },
};
