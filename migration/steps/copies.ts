import { CopyHandling } from '../../gen/relink/v1/participant_pb.ts';
import { REPEATABLE } from '../participants.ts';
import type { Step, StepContext, Untitled } from '../plan.ts';
import { beginComparing, stopShadow } from './shadow.ts';

/** Consumers of a functional link only log the copies that arrive. */
export const logCopies: Untitled<Step> = {
  name: 'copies-log',
  kind: 'step',
  undoTitle: '',
  apply: (context) => setCopies(context, CopyHandling.LOG),
};

/** Consumers run their logic on the copies, in a transaction that is rolled back. */
export const runCopies: Untitled<Step> = {
  name: 'copies-run',
  kind: 'step',
  undoTitle: 'only log shadow copies again',
  apply: async (context) => {
    await setCopies(context, CopyHandling.RUN);
    await beginComparing(context);
    await context.remember({ copiesRun: true });
  },
  undo: (context) => setCopies(context, CopyHandling.LOG),
};

/** The end of copying, for functional links. */
export const stopRunningCopies: Untitled<Step> = {
  ...stopShadow,
  apply: async (context) => {
    await stopShadow.apply(context);
    await setCopies(context, CopyHandling.LOG);
  },
};

async function setCopies({ run, participants }: StepContext, copies: CopyHandling): Promise<void> {
  for (const consumer of run.consumers)
    await participants.of(consumer).setCopies({ link: run.link, copies }, REPEATABLE);
}
