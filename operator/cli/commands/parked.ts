/** relink parked list|show|skip */
import {
  ListParkedResponseSchema,
  ParkedMessageSchema,
} from '../../../gen/relink/v1/participant_pb.ts';
import { confirmStep } from '../confirm.ts';
import { listParked } from '../lists.ts';
import { toJsonShape } from '../output/json.ts';
import { formatParked, formatParkedList } from '../output/parkedView.ts';
import { resolveParked } from '../resolve.ts';
import type { Program, UseSession } from '../root.ts';
import type { Session } from '../session.ts';
import { tellUnanswered } from '../unanswered.ts';
import { parseLimit } from './runs.ts';

const USUAL_LIMIT = 50;
const ID = 'its id or a prefix of it';

export function addParkedCommands(program: Program, use: UseSession): void {
  const group = program
    .command('parked')
    .description('inspect messages that wait for earlier ones of their key');

  group
    .command('list')
    .description('list the messages that wait, and what for')
    .option('--link <id>', 'only messages of this link')
    .option('--key <key>', 'only messages of this key')
    .option('--limit <n>', 'how many to show', parseLimit, USUAL_LIMIT)
    .action(async ({ link = '', key = '', limit }) => {
      const session = use();
      const response = await listParked(session, { link, key, limit });
      session.output.show({
        json: () => toJsonShape(ListParkedResponseSchema, response),
        items: () => response.parked.map((one) => toJsonShape(ParkedMessageSchema, one)),
        text: (layout) => formatParkedList(response, layout),
      });
      tellUnanswered(session, response.unanswered);
    });

  group
    .command('show')
    .argument('<id>', ID)
    .description('show a message with its body, and the versions that it waits for')
    .action(async (text) => {
      const session = use();
      const parked = await read(session, text);
      session.output.show({
        json: () => ({ parked: toJsonShape(ParkedMessageSchema, parked) }),
        text: (layout) => formatParked(parked, layout),
      });
    });

  group
    .command('skip')
    .argument('<id>', ID)
    .description('move its key past versions that will not come')
    .requiredOption('--reason <text>', 'why, for the record')
    .option('--even-if-open', 'although what is missing may still come, as a dead letter then')
    .action(async (text, { reason, evenIfOpen }) => {
      const session = use();
      await skip(session, text, reason, evenIfOpen === true);
    });
}

async function read(session: Session, text: string) {
  const id = await resolveParked(session, text);
  const { parked } = await session.operator.getParked({ id });
  return parked!;
}

async function skip(session: Session, text: string, reason: string, evenIfOpen: boolean) {
  const { id, key, link, position, missing } = await read(session, text);
  const { actor, operator, output } = session;
  const which = missing.length === 0 ? 'nothing' : `version ${missing[0]}`;
  await confirmStep(session, `Give up ${which} of key ${key} of ${link}? It has no effect then.`);
  const request = { id, position, reason, actor, evenIfOpen };
  const { fromVersion, throughVersion } = await operator.skipParked(request);
  const skipped = { id, link, key, from_version: fromVersion, through_version: throughVersion };
  output.show({
    json: () => ({
      ...skipped,
      from_version: Number(fromVersion),
      through_version: Number(throughVersion),
    }),
    text: () => [`skipped versions ${fromVersion} to ${throughVersion} of key ${key}`],
  });
}
