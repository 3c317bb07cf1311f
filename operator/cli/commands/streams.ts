/** relink streams check|mend [LINK] */
import {
  CheckStreamsResponseSchema,
  StreamDifferenceSchema,
} from '../../../gen/relink/v1/operator_pb.ts';
import { confirmStep } from '../confirm.ts';
import { EXIT } from '../exitCode.ts';
import { withLink } from '../knownLinks.ts';
import { toJsonShape } from '../output/json.ts';
import { formatStreamDifferences } from '../output/streamsView.ts';
import type { Program, UseSession } from '../root.ts';
import type { Session } from '../session.ts';
import { tellUnanswered } from '../unanswered.ts';

const LINK = 'a link, such as COMM-010; default: every link';

export function addStreamCommands(program: Program, use: UseSession): void {
  const group = program
    .command('streams')
    .description('compare streams and durable consumers with what the links want of them');

  group
    .command('check')
    .argument('[link]', LINK)
    .description('show each setting that differs')
    .action((link = '') => check(use(), link, false));

  group
    .command('mend')
    .argument('[link]', LINK)
    .description('change what differs; relink streams check shows it before')
    .action(async (link = '') => {
      const session = use();
      await confirmStep(session, `Change the ${link ? `stream ${link}` : 'streams'}?`);
      await check(session, link, true);
    });
}

async function check(session: Session, link: string, mend: boolean): Promise<void> {
  const call = () => session.operator.checkStreams({ link, mend });
  const response = await (link ? withLink(session, link, call) : call());
  session.output.show({
    json: () => toJsonShape(CheckStreamsResponseSchema, response),
    items: () => response.differences.map((one) => toJsonShape(StreamDifferenceSchema, one)),
    text: (layout) => formatStreamDifferences(response.differences, layout),
  });
  tellUnanswered(session, response.unanswered);
  if (response.differences.some(({ mended }) => !mended)) session.exitCode = EXIT.different;
}
