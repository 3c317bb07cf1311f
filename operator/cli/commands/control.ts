// relink approve|pause|resume|rollback|cancel|complete RUN
import type { RunStatus } from '../../../gen/relink/v1/operator_pb.ts';
import { confirmName, confirmStep } from '../confirm.ts';
import { EXIT } from '../exitCode.ts';
import { followRun } from '../follow.ts';
import { viewRun } from '../output/runView.ts';
import { resolveRun } from '../resolve.ts';
import type { Program, UseSession } from '../root.ts';
import type { Session } from '../session.ts';

const RUN = 'its id, a beginning of it, or last';

export function addControlCommands(program: Program, use: UseSession): void {
  addGoingOn(program, use);
  addStopping(program, use);
  addEnding(program, use);
}

function addGoingOn(program: Program, use: UseSession): void {
  const commands = [
    { name: 'approve', does: 'let a run that waits for a person go on', call: 'approveRun' },
    {
      name: 'resume',
      does: 'let a paused run go on',
      call: 'resumeRun',
    },
  ] as const;
  for (const { name, does, call } of commands) {
    program
      .command(name)
      .argument('<run>', RUN)
      .description(does)
      .option('--watch', 'follow it until it ends or waits for a person')
      .action(async (text, { watch }) => {
        const session = use();
        const id = await resolveRun(session, text);
        const { status } = await session.operator[call]({ id, actor: session.actor });
        if (watch === true) await followRun(session, id);
        else showNow(session, status!);
      });
  }
}

function addStopping(program: Program, use: UseSession): void {
  program
    .command('pause')
    .argument('<run>', RUN)
    .description('stop a run where it is; traffic goes on')
    .action(async (text) => {
      const session = use();
      const id = await resolveRun(session, text);
      const { status } = await session.operator.pauseRun({ id, actor: session.actor });
      showNow(session, status!);
    });

  program
    .command('cancel')
    .argument('<run>', RUN)
    .description('give a run up before it has moved traffic')
    .option('--detach', 'do not wait until its steps are undone')
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
    .description('undo the steps of a run, last one first')
    .option('--detach', 'do not follow it')
    .action(async (text, { detach }) => {
      const session = use();
      const id = await resolveRun(session, text);
      const { status: before } = await session.operator.getRun({ id });
      const { link, from } = before!.run!;
      await confirmStep(session, `Take ${link} back to ${from}?`);
      const { status } = await session.operator.rollbackRun({ id, actor: session.actor });
      await followEnd(session, status!, 'rolled_back', detach === true);
    });

  program
    .command('complete')
    .argument('<run>', RUN)
    .description('give up the way back, remove what is old')
    .option('--confirm <link>', "the link's name, to say that you mean it")
    .option('--detach', 'do not follow it')
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

/** Follows to the end that was asked for; reaching it is success, whatever `start` would say. */
async function followEnd(session: Session, status: RunStatus, wanted: string, isDetached: boolean) {
  if (isDetached) return showNow(session, status);
  const last = await followRun(session, status.run!.id);
  if (last.run!.state === wanted) session.exitCode = EXIT.done;
}
