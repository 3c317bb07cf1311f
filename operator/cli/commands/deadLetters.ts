/** relink dead-letters list|show|redrive|discard|edit */
import {
  DeadLetterSchema,
  ListDeadLettersResponseSchema,
} from '../../../gen/relink/v1/participant_pb.ts';
import { confirmStep } from '../confirm.ts';
import { editDeadLetter } from '../editDeadLetter.ts';
import { listDeadLetters } from '../lists.ts';
import { formatDeadLetter, formatDeadLetters } from '../output/deadLetterView.ts';
import { toJsonShape } from '../output/json.ts';
import { resolveDeadLetter } from '../resolve.ts';
import type { Program, UseSession } from '../root.ts';
import type { Session } from '../session.ts';
import { tellUnanswered } from '../unanswered.ts';
import { redriveSome } from './redrive.ts';
import { parseLimit } from './runs.ts';

const USUAL_LIMIT = 50;
const ID = 'its id or a prefix of it';

type Group = ReturnType<typeof addGroup>;

export function addDeadLetterCommands(program: Program, use: UseSession): void {
  const group = addGroup(program);
  addReading(group, use);
  addSettling(group, use);
  group
    .command('edit')
    .argument('<id>', ID)
    .description('edit the body before a redrive, in $EDITOR or from a file')
    .option('--body-file <file>', 'the new body as JSON')
    .action(async (text, { bodyFile }) => {
      const session = use();
      await editDeadLetter(session, await resolveDeadLetter(session, text), bodyFile);
    });
}

function addGroup(program: Program) {
  return program
    .command('dead-letters')
    .description('inspect and repair messages that consumers gave up on');
}

function addReading(group: Group, use: UseSession): void {
  group
    .command('list')
    .description('list the dead letters that wait for a person')
    .option('--link <id>', 'only dead letters of this link')
    .option('--all', 'include redriven and discarded ones')
    .option('--limit <n>', 'how many to show', parseLimit, USUAL_LIMIT)
    .action(async ({ link = '', all, limit }) => {
      const session = use();
      const response = await listDeadLetters(session, { link, all: all === true, limit });
      session.output.show({
        json: () => toJsonShape(ListDeadLettersResponseSchema, response),
        items: () => response.deadLetters.map((one) => toJsonShape(DeadLetterSchema, one)),
        text: (layout) => formatDeadLetters(response, layout),
      });
      tellUnanswered(session, response.unanswered);
    });

  group
    .command('show')
    .argument('<id>', ID)
    .description('show a dead letter with its body')
    .action(async (text) => {
      const session = use();
      const id = await resolveDeadLetter(session, text);
      const { deadLetter } = await session.operator.getDeadLetter({ id });
      session.output.show({
        json: () => ({ dead_letter: toJsonShape(DeadLetterSchema, deadLetter!) }),
        text: (layout) => formatDeadLetter(deadLetter!, layout),
      });
    });
}

function addSettling(group: Group, use: UseSession): void {
  group
    .command('redrive')
    .argument('[id...]', ID)
    .description('retry messages; each takes effect once, however often this runs')
    .option('--link <id>', 'all dead letters of this link, those of a key in its order')
    .option('--dry-run', 'with --link: only list them, in the order they would be retried in')
    .option('--out-of-turn', 'also apply one whose key has passed its version (VERSION_PASSED)')
    .action(async (texts, { link, dryRun, outOfTurn }) => {
      const session = use();
      const options = { link, isDryRun: dryRun === true, isOutOfTurn: outOfTurn === true };
      await redriveSome(session, texts, () => resolveAll(session, texts), options);
    });

  group
    .command('discard')
    .argument('<id...>', ID)
    .description('discard messages for good')
    .requiredOption('--reason <text>', 'why, for the record')
    .action(async (texts, { reason }) => {
      const session = use();
      const ids = await resolveAll(session, texts);
      const what = ids.length === 1 ? 'this message' : `these ${ids.length} messages`;
      await confirmStep(session, `Discard ${what} for good?`);
      const { actor } = session;
      for (const id of ids) await session.operator.discardDeadLetter({ id, reason, actor });
      session.output.show({
        json: () => ({ discarded: ids }),
        items: () => ids.map((id) => ({ id })),
        text: () => ids.map((id) => `discarded ${id}`),
      });
    });
}

async function resolveAll(session: Session, texts: string[]): Promise<string[]> {
  const ids: string[] = [];
  for (const text of texts) ids.push(await resolveDeadLetter(session, text));
  return [...new Set(ids)];
}
