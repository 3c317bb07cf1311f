/** relink erasure check LINK */
import { type CheckedErasure, CheckedErasureSchema } from '../../../gen/relink/v1/operator_pb.ts';
import { confirmStep } from '../confirm.ts';
import { CliError } from '../errors.ts';
import { EXIT } from '../exitCode.ts';
import { withLink } from '../knownLinks.ts';
import { formatErasure } from '../output/erasureView.ts';
import { toJsonShape } from '../output/json.ts';
import { showProgress } from '../output/progressLine.ts';
import type { Program, UseSession } from '../root.ts';
import type { Session } from '../session.ts';

interface Wanted {
  readonly link: string;
  readonly logFiles: string;
  readonly erase: boolean;
}

export function addErasureCommands(program: Program, use: UseSession): void {
  program
    .command('erasure')
    .description('search again for what a contract version took away')
    .command('check')
    .argument('<link>', 'a link, such as COMM-010')
    .description('search everything once more, and sign that nothing is left')
    .option('--log-files <glob>', "also these files on the operator's machine")
    .option('--erase', 'first erase what relink can erase')
    .action(async (link, { logFiles = '', erase = false }) => {
      const session = use();
      if (erase) await confirmStep(session, `Erase what is left of ${link}?`);
      const checked = await withLink(session, link, () =>
        check(session, { link, logFiles, erase }),
      );
      session.output.show({
        json: () => toJsonShape(CheckedErasureSchema, checked),
        text: (layout) => formatErasure(checked, layout),
      });
      if (!checked.certificate) session.exitCode = EXIT.different;
    });
}

async function check(session: Session, wanted: Wanted): Promise<CheckedErasure> {
  const { operator, signal } = session;
  const progress = showProgress(session);
  try {
    const answers = operator.checkErasure(wanted, { deadlineMs: Infinity, signal });
    for await (const { progress: line, checked } of answers) {
      if (checked) return checked;
      progress.show(line);
    }
  } finally {
    progress.end();
  }
  throw new CliError('The operator ended before it had searched everything.', {
    next: [`relink erasure check ${wanted.link}`],
  });
}
