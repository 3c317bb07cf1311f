/** Lists from which something is missing, because a service gave no answer. */
import type { Unanswered } from '../../gen/relink/v1/participant_pb.ts';
import { CliError } from './errors.ts';
import { EXIT } from './exitCode.ts';
import { cleanText } from './output/paint.ts';
import type { Session } from './session.ts';

const NEXT = 'relink topology   (which services are up)';

/** Says who gave no answer. The command fails, for what it printed is not the whole. */
export function tellUnanswered(session: Session, unanswered: readonly Unanswered[]): void {
  if (unanswered.length === 0) return;
  session.exitCode = EXIT.failed;
  const { output } = session;
  const { paint } = output.layoutOf(output.stderr);
  output.tell([
    paint('red', `Not the whole: ${sayWho(unanswered)} did not answer.`),
    ...explain(unanswered).map((line) => `  ${line}`),
    `${paint('dim', 'next')}  ${NEXT}`,
  ]);
}

/** The error where the missing part could decide. */
export function undecided(what: string, unanswered: readonly Unanswered[]): CliError {
  return new CliError(`${what}: ${sayWho(unanswered)} did not answer.`, {
    details: explain(unanswered),
    next: [NEXT],
  });
}

function sayWho(unanswered: readonly Unanswered[]): string {
  return [...new Set(unanswered.map(({ service }) => service))].join(', ');
}

/** Once for each service, however many pages it is missing from. */
function explain(unanswered: readonly Unanswered[]): string[] {
  const reasons = new Map(unanswered.map(({ service, why }) => [service, why]));
  return [...reasons].map(([service, why]) => `${service}: ${cleanText(why)}`);
}
