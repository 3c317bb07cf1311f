/** Questions, asked only on a terminal; a script answers them with flags. */
import { CliError, Interrupted, usageError } from './errors.ts';
import { EXIT } from './exitCode.ts';
import type { Session } from './session.ts';

const NOTHING_DONE = 'Nothing was done.';

/**
 * Asks whether to continue. Without a terminal, and with `--yes`, the answer is yes.
 * @throws CliError when the answer is no; usage when a terminal may not be asked (`--no-input`).
 */
export async function confirmStep(session: Session, question: string): Promise<void> {
  if (session.options.yes === true || !session.isTerminal) return;
  if (!session.options.input) {
    throw usageError(`This needs confirmation, and --no-input forbids asking.`, [
      '--yes   (confirms without asking)',
    ]);
  }
  const { confirm } = await import('@clack/prompts');
  const answer = await confirm({ message: question, initialValue: false, ...streams(session) });
  if (answer === true) return session.output.tell(['']);
  if (answer !== false) throw new Interrupted(NOTHING_DONE);
  throw new CliError(NOTHING_DONE, { exitCode: EXIT.failed });
}

/**
 * The link's name, typed by a person or given as `--confirm`. `--yes` is not enough: what follows cannot
 * be undone.
 */
export async function confirmName(
  session: Session,
  given: string | undefined,
  name: string,
  consequence: string,
): Promise<string> {
  const flag = `--confirm ${name}`;
  if (given !== undefined) {
    if (given === name) return given;
    throw usageError(`--confirm must be the link's name, ${name}, not ${given}.`, [flag]);
  }
  if (!session.isInteractive) {
    throw usageError(`--confirm is missing: it must name the link, as this cannot be undone.`, [
      `${flag}   (${consequence})`,
    ]);
  }
  const { text, isCancel } = await import('@clack/prompts');
  const answer = await text({
    message: `${consequence}. Type ${name} to continue.`,
    validate: (typed) => (typed === name ? undefined : `Type ${name}, or press Ctrl-C.`),
    ...streams(session),
  });
  if (isCancel(answer)) throw new Interrupted(NOTHING_DONE);
  session.output.tell(['']);
  return answer;
}

function streams({ terminal, signal }: Session) {
  return { input: terminal.stdin, output: terminal.stderr as NodeJS.WriteStream, signal };
}
