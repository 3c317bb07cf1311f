/** Resolves ids as people type them: a prefix, or `last`. */
import type { Run } from '../../gen/relink/v1/operator_pb.ts';
import { usageError } from './errors.ts';
import { listCertificates, listDeadLetters, listParked, listRuns } from './lists.ts';
import type { Session } from './session.ts';
import { pickByPrefix, UUID_LENGTH } from './suggest.ts';
import { undecided } from './unanswered.ts';

/** Older runs are found only by their full id. */
const RUNS_SEARCHED = 500;
const LETTERS_SEARCHED = 500;

/**
 * The id of a run given as its id, a prefix of it, or `last`.
 * @throws CliError (usage) when no run or several match.
 */
export async function resolveRun(session: Session, text: string): Promise<string> {
  if (text.length >= UUID_LENGTH) return text;
  const { runs } = await listRuns(session, { limit: RUNS_SEARCHED });
  if (text !== 'last')
    return pickByPrefix(
      text,
      runs.map(({ id }) => id),
      'run',
      'relink runs',
    );
  const latest = runs.toSorted(byStart).at(-1);
  if (latest === undefined) throw usageError('There are no runs yet.', ['relink start --help']);
  return latest.id;
}

/** Oldest first. */
export function byStart(a: Run, b: Run): number {
  return Date.parse(a.startedAt || '0') - Date.parse(b.startedAt || '0');
}

/**
 * The id of a dead letter given in full or as a prefix.
 * @throws CliError when none or several match, or a service that may hold one does not answer.
 */
export async function resolveDeadLetter(session: Session, text: string): Promise<string> {
  if (text.length >= UUID_LENGTH) return text;
  const request = { limit: LETTERS_SEARCHED, all: true };
  const { deadLetters, unanswered } = await listDeadLetters(session, request);
  // A service that is silent may hold another letter with this prefix.
  if (unanswered.length > 0)
    throw undecided(`Which dead letter ${text} is, only its whole id can say`, unanswered);
  const ids = deadLetters.map(({ id }) => id);
  return pickByPrefix(text, ids, 'dead letter', 'relink dead-letters list --all');
}

/** The id of a parked message given in full or as a prefix; as for dead letters. */
export async function resolveParked(session: Session, text: string): Promise<string> {
  if (text.length >= UUID_LENGTH) return text;
  const { parked, unanswered } = await listParked(session, { limit: LETTERS_SEARCHED });
  if (unanswered.length > 0)
    throw undecided(`Which parked message ${text} is, only its whole id can say`, unanswered);
  const ids = parked.map(({ id }) => id);
  return pickByPrefix(text, ids, 'parked message', 'relink parked list');
}

/** The id of a certificate given in full or as a prefix. */
export async function resolveCertificate(session: Session, text: string): Promise<string> {
  if (text.length >= UUID_LENGTH) return text;
  const { certificates } = await listCertificates(session);
  const ids = certificates.map(({ id }) => id);
  return pickByPrefix(text, ids, 'certificate', 'relink certificate list');
}
