import { StepProblem } from '../errors.ts';
import { REPEATABLE } from '../participants.ts';
import type { Step, StepContext, Untitled } from '../plan.ts';

/** The table of the replica, if it was dropped by a migration to `pull`. */
export const makeReplica: Untitled<Step> = {
  name: 'make-replica',
  kind: 'step',
  undoTitle: "drop the replica's table again",
  apply: (context) => setReplica(context, true),
  undo: (context) => setReplica(context, false),
};

/** After `complete`. Refused by the consumer while anything reads it. */
export const dropReplica: Untitled<Step> = {
  name: 'drop-replica',
  kind: 'step',
  undoTitle: '',
  apply: (context) => setReplica(context, false),
};

async function setReplica(context: StepContext, exists: boolean): Promise<void> {
  const { run, participants } = context;
  for (const consumer of run.consumers) {
    const request = { link: run.link, exists };
    const { changed } = await participants.of(consumer).setReplica(request, REPEATABLE);
    if (changed)
      await context.observe(`replica's table at ${consumer}`, exists ? 'made' : 'dropped');
  }
}

/** After `complete`: looks once more that nothing of the old way is left. */
export const lookClean: Untitled<Step> = {
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
      await context.observe(`left of the old way at ${consumer}`, 'nothing');
    }
  },
};
