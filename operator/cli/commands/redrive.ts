/** relink dead-letters redrive: of some ids, or of everything that a link has. */
import {
  type DeadLetter,
  DeadLetterSchema,
  type ListDeadLettersResponse,
  ListDeadLettersResponseSchema,
  RedriveDeadLetterResponseSchema,
} from '../../../gen/relink/v1/participant_pb.ts';
import { confirmStep } from '../confirm.ts';
import { usageError } from '../errors.ts';
import { EXIT } from '../exitCode.ts';
import { listDeadLetters } from '../lists.ts';
import { formatDeadLetters, formatRedriven, type Redriven } from '../output/deadLetterView.ts';
import { toJsonShape } from '../output/json.ts';
import type { Session } from '../session.ts';
import { tellUnanswered } from '../unanswered.ts';

/** Progress is told each time after so many. */
const TOLD_EVERY = 50;

export interface RedriveOptions {
  readonly link: string | undefined;
  readonly isOutOfTurn: boolean;
  readonly isDryRun: boolean;
}

/** `resolve` finds the whole ids. */
export async function redriveSome(
  session: Session,
  texts: readonly string[],
  resolve: () => Promise<string[]>,
  { link, isOutOfTurn, isDryRun }: RedriveOptions,
): Promise<void> {
  const other = ['relink dead-letters redrive ID', 'relink dead-letters redrive --link LINK'];
  if ((link === undefined) === (texts.length === 0))
    throw usageError('Name either some dead letters or, with --link, a link.', other);
  if (link !== undefined) return redriveLink(session, link, isOutOfTurn, isDryRun);
  if (isDryRun) throw usageError('--dry-run is for --link.', other);
  await redrive(session, await resolve(), isOutOfTurn);
}

/** However often it is called again: what was redriven is not listed any more. */
async function redriveLink(
  session: Session,
  link: string,
  isOutOfTurn: boolean,
  isDryRun: boolean,
): Promise<void> {
  const limit = Number.POSITIVE_INFINITY;
  const response = await listDeadLetters(session, { link, all: false, limit });
  const deadLetters = inOrderOfKeys(response.deadLetters);
  if (isDryRun) showAll(session, { ...response, deadLetters });
  else {
    await confirmStep(session, `Redrive ${deadLetters.length} messages of ${link}?`);
    await redrive(
      session,
      deadLetters.map(({ id }) => id),
      isOutOfTurn,
    );
  }
  tellUnanswered(session, response.unanswered);
}

/** Keys as they first died; the messages of one key by their versions, as an ordered link wants it. */
function inOrderOfKeys(letters: readonly DeadLetter[]): DeadLetter[] {
  const byKey = Map.groupBy(letters, ({ consumer, key }) => `${consumer} ${key}`);
  return [...byKey.values()].flatMap((ofKey) =>
    ofKey.sort((a, b) => Number(a.entityVersion - b.entityVersion)),
  );
}

function showAll(session: Session, response: ListDeadLettersResponse): void {
  session.output.show({
    json: () => toJsonShape(ListDeadLettersResponseSchema, response),
    items: () => response.deadLetters.map((one) => toJsonShape(DeadLetterSchema, one)),
    text: (layout) => formatDeadLetters(response, layout),
  });
}

async function redrive(session: Session, ids: readonly string[], outOfTurn: boolean) {
  const { operator, output, actor } = session;
  const redriven: Redriven[] = [];
  for (const id of ids) {
    session.signal.throwIfAborted();
    const response = await operator.redriveDeadLetter({ id, actor, outOfTurn });
    const { outcome } = toJsonShape(RedriveDeadLetterResponseSchema, response);
    redriven.push({ id, outcome: String(outcome), detail: response.detail });
    if (redriven.length % TOLD_EVERY === 0) output.tell([tellProgress(redriven, ids.length)]);
  }
  output.show({
    json: () => ({ redriven: redriven.map((one) => ({ ...one })) }),
    items: () => redriven.map((one) => ({ ...one })),
    text: (layout) => formatRedriven(redriven, layout),
  });
  if (redriven.some(({ outcome }) => outcome === 'dead')) session.exitCode = EXIT.failed;
}

function tellProgress(redriven: readonly Redriven[], total: number): string {
  const dead = redriven.filter(({ outcome }) => outcome === 'dead').length;
  return `${redriven.length.toLocaleString('en')} of ${total.toLocaleString('en')}, ${dead} still dead`;
}
