/** relink verify LINK */
import { VerifyResponseSchema } from '../../../gen/relink/v1/operator_pb.ts';
import { EXIT } from '../exitCode.ts';
import { withLink } from '../knownLinks.ts';
import { toJsonShape } from '../output/json.ts';
import { formatVerified } from '../output/verifyView.ts';
import type { Program, UseSession } from '../root.ts';
import { consumerOption } from './target.ts';

export function addVerifyCommand(program: Program, use: UseSession): void {
  program
    .command('verify')
    .argument('<link>', 'a link, such as COMM-010')
    .description('compare both sides of a link as they are now')
    .addOption(consumerOption())
    .action(async (link, { consumer = '' }) => {
      const session = use();
      const response = await withLink(session, link, () =>
        session.operator.verify({ link, consumer }),
      );
      session.output.show({
        json: () => toJsonShape(VerifyResponseSchema, response),
        text: (layout) => formatVerified(link, response, layout),
      });
      if (!response.equal) session.exitCode = EXIT.different;
    });
}
