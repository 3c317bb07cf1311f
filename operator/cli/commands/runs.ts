/** relink runs · status RUN */
import { InvalidArgumentError } from '@commander-js/extra-typings';
import { ListRunsResponseSchema, RunSchema } from '../../../gen/relink/v1/operator_pb.ts';
import { followRun } from '../follow.ts';
import { listRuns } from '../lists.ts';
import { toJsonShape } from '../output/json.ts';
import { viewRuns } from '../output/runList.ts';
import { viewRun } from '../output/runView.ts';
import { resolveRun } from '../resolve.ts';
import type { Program, UseSession } from '../root.ts';
import { exitCodeOf } from '../runState.ts';

const USUAL_LIMIT = 20; // what fits on a screen
const MAX_LIMIT = 500;

export function addRunCommands(program: Program, use: UseSession): void {
  program
    .command('runs')
    .description('list the latest runs')
    .option('--link <id>', 'only runs of this link')
    .option('--limit <n>', 'how many to show', parseLimit, USUAL_LIMIT)
    .action(async ({ link, limit }) => {
      const session = use();
      const response = await listRuns(session, { limit, ...(link && { link }) });
      session.output.show({
        json: () => toJsonShape(ListRunsResponseSchema, response),
        items: () => response.runs.map((run) => toJsonShape(RunSchema, run)),
        text: (layout) => viewRuns(response.runs, layout),
      });
    });

  program
    .command('status')
    .argument('<run>', 'its id, a prefix of it, or last')
    .description('show a run: its step, what it waits for, what comes next, how to undo')
    .option('--watch', 'follow it until it ends or waits for a person; exit with its code')
    .option('--evidence', 'show the evidence of every step')
    .option('--exit-code', 'exit with the code of its state: 3 waiting, 5 rolled back, …')
    .action(async (text, { watch, evidence, exitCode }) => {
      const session = use();
      const id = await resolveRun(session, text);
      if (watch === true) return void (await followRun(session, id));
      const { status } = await session.operator.getRun({ id });
      session.output.show(viewRun(status!, { allEvidence: evidence === true }));
      if (exitCode === true) session.exitCode = exitCodeOf(status!);
    });
}

/** A count from 1 up, for --limit. */
export function parseLimit(text: string): number {
  const limit = Number(text);
  if (Number.isInteger(limit) && limit > 0 && limit <= MAX_LIMIT) return limit;
  throw new InvalidArgumentError(`It must be a number from 1 to ${MAX_LIMIT}.`);
}
