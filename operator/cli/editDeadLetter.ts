/**
 * Changing the body of a dead letter, in the person's editor or from a file. The text is kept
 * when the operator refuses it.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readEnvironment } from '../../runtime/environment.ts';
import { messageOf } from '../../runtime/errors.ts';
import { CliError, explainError, usageError } from './errors.ts';
import { prettyBody } from './output/deadLetterView.ts';
import { parseExactly } from './output/json.ts';
import type { Session } from './session.ts';

const USUAL_EDITOR = 'vi';
const OWNER_ONLY = 0o600; // a body may hold names

/** Replaces the body of one dead letter and shows its new revision. */
export async function editDeadLetter(
  session: Session,
  id: string,
  bodyFile: string | undefined,
): Promise<void> {
  const { deadLetter } = await session.operator.getDeadLetter({ id });
  const { body, revision } = deadLetter!;
  const changed =
    bodyFile === undefined
      ? await editByHand(session, id, body, (text) => send(session, id, revision, text))
      : await send(session, id, revision, parseBody(await readBody(bodyFile), bodyFile));
  session.output.show({
    json: () => ({ id, revision: changed ?? revision, changed: changed !== undefined }),
    text: () =>
      changed === undefined
        ? ['Nothing was changed.']
        : [`changed, revision ${changed}`, `relink dead-letters redrive ${id}`],
  });
}

async function send({ operator, actor }: Session, id: string, revision: number, body: string) {
  const response = await operator.editDeadLetter({ id, revision, body, actor });
  return response.revision;
}

async function readBody(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw usageError(`Cannot read ${file}: ${messageOf(error)}.`);
  }
}

/** The body on one line. */
function parseBody(text: string, file: string): string {
  try {
    return JSON.stringify(parseExactly(text));
  } catch (error) {
    throw usageError(`${file} is not JSON: ${messageOf(error)}.`);
  }
}

/** The new revision; undefined when the person changed nothing. */
async function editByHand(
  session: Session,
  id: string,
  body: string,
  submit: (body: string) => Promise<number>,
): Promise<number | undefined> {
  if (!session.isInteractive) {
    throw usageError('--body-file is missing: without a terminal no editor can open.', [
      `relink dead-letters edit ${id} --body-file FILE`,
    ]);
  }
  const folder = await mkdtemp(join(tmpdir(), 'relink-edit-'));
  const file = join(folder, 'body.json');
  await writeFile(file, `${prettyBody(body)}\n`, { mode: OWNER_ONLY });
  let revision: number | undefined;
  try {
    await runEditor(file);
    const text = await readFile(file, 'utf8');
    if (text.trim() !== prettyBody(body)) revision = await submit(parseBody(text, file));
  } catch (error) {
    const { message, exitCode, details } = explainError(error, session.address);
    const next = [`relink dead-letters edit ${id} --body-file ${file}   (your text is kept there)`];
    throw new CliError(message, { exitCode, details, next, cause: error });
  }
  await rm(folder, { recursive: true });
  return revision;
}

async function runEditor(file: string): Promise<void> {
  const editor = readEnvironment('VISUAL') ?? readEnvironment('EDITOR') ?? USUAL_EDITOR;
  // Through the shell, as git does: the variable may hold arguments. stdout is for data.
  const child = spawn('sh', ['-c', `${editor} "$1"`, 'sh', file], { stdio: ['inherit', 2, 2] });
  const [code] = await once(child, 'exit');
  if (code !== 0) throw new CliError(`The editor (${editor}) exited with ${code}.`);
}
