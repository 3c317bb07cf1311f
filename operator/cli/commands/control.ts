/** relink approve|pause|resume|rollback|cancel|complete RUN */
import type { RunStatus } from '../../../gen/relink/v1/operator_pb.ts';
import { confirmName, confirmStep } from '../confirm.ts';
import { EXIT } from '../exitCode.ts';
import { followRun } from '../follow.ts';
import { nameLinks, viewRun } from '../output/runView.ts';
import { resolveRun } from '../resolve.ts';
import type { Program, UseSession } from '../root.ts';
import type { Session } from '../session.ts';

const RUN = 'its id, a prefix of it, or last';
const WATCH = 'follow it until it ends or waits for a person';

export function addControlCommands(program: Program, use: UseSession): void {
  addGoingOn(program, use);
  addStopping(program, use);
  addEnding(program, use);
}

function addGoingOn(program: Program, use: UseSession): void {
  program
    .command('approve')
    .argument('<run>', RUN)
    .description('approve the next step of a waiting run')
    .option('--watch', WATCH)
    .action(async (text, { watch }) => {
      const session = use();
      const id = await resolveRun(session, text);
      const { status } = await session.operator.approveRun({ id, actor: session.actor });
      await showOrFollow(session, status!, watch === true);
    });

  program
    .command('resume')
    .argument('<run>', RUN)
    .description('continue a paused run')
    .option('--accept-differences <reason>', 'certify what differs for ever as an exception')
    .option('--watch', WATCH)
    .action(async (text, { watch, acceptDifferences = '' }) => {
      const session = use();
      const id = await resolveRun(session, text);
      const request = { id, actor: session.actor, acceptDifferences };
      const { status } = await session.operator.resumeRun(request);
      await showOrFollow(session, status!, watch === true);
    });
}

async function showOrFollow(session: Session, status: RunStatus, isFollowed: boolean) {
  if (isFollowed) await followRun(session, status.run!.id);
  else showNow(session, status);
}

function addStopping(program: Program, use: UseSession): void {
  program
    .command('pause')
    .argument('<run>', RUN)
    .description('pause a run where it is; traffic keeps flowing')
    .action(async (text) => {
      const session = use();
      const id = await resolveRun(session, text);
      const { status } = await session.operator.pauseRun({ id, actor: session.actor });
      showNow(session, status!);
    });

  program
    .command('cancel')
    .argument('<run>', RUN)
    .description('cancel a run before it has moved traffic')
    .option('--detach', 'do not wait for its steps to be undone')
    .action(async (text, { detach }) => {
      const session = use();
      const id = await resolveRun(session, text);
      const { status } = await session.operator.cancelRun({ id, actor: session.actor });
      await followEnd(session, status!, 'cancelled', detach === true);
    });
}

function addEnding(program: Program, use: UseSession): void {
  program
    .command('rollback')
    .argument('<run>', RUN)
    .description('undo the steps of a run, last step first')
    .option('--detach', 'return at once')
    .action(async (text, { detach }) => {
      const session = use();
      const id = await resolveRun(session, text);
      const { status: before } = await session.operator.getRun({ id });
      const run = before!.run!;
      await confirmStep(session, `Take ${nameLinks(run)} back to ${run.from}?`);
      const { status } = await session.operator.rollbackRun({ id, actor: session.actor });
      await followEnd(session, status!, 'rolled_back', detach === true);
    });

  program
    .command('complete')
    .argument('<run>', RUN)
    .description('give up the way back and remove the old route')
    .option('--confirm <link>', "the link's name, to confirm")
    .option('--detach', 'return at once')
    .action(async (text, { confirm, detach }) => {
      const session = use();
      const id = await resolveRun(session, text);
      const { status: before } = await session.operator.getRun({ id });
      const { link, from } = before!.run!;
      const name = await confirmName(session, confirm, link, `This ends the way back to ${from}`);
      const request = { id, actor: session.actor, confirm: name };
      const { status } = await session.operator.completeRun(request);
      await followEnd(session, status!, 'completed', detach === true);
    });
}

function showNow({ output }: Session, status: RunStatus): void {
  output.show(viewRun(status));
}

/** Follows to the end that was asked for; reaching it is success, unlike for `start`. */
async function followEnd(session: Session, status: RunStatus, wanted: string, isDetached: boolean) {
  if (isDetached) return showNow(session, status);
  const last = await followRun(session, status.run!.id);
  if (last.run!.state === wanted) session.exitCode = EXIT.done;
}
