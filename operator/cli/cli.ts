/** One run of the command line: reads the arguments, runs the command, reports how it ended. */
import { CommanderError } from '@commander-js/extra-typings';
import packageJson from '../../package.json' with { type: 'json' };
import { DEFAULT_OPERATOR } from './connect.ts';
import { type CliError, explainError, Interrupted } from './errors.ts';
import { EXIT, type ExitCode } from './exitCode.ts';
import { createPaint } from './output/paint.ts';
import { createProgram } from './program.ts';
import { Session, type Terminal } from './session.ts';

/** Runs `args`, which come without the paths of node and script. Never throws. */
export async function runCli(args: string[], terminal: Terminal): Promise<ExitCode> {
  let session: Session | undefined;
  const program = createProgram(packageJson.version, () => session!);
  prepare(program, terminal);
  program.hook('preAction', () => {
    session = new Session(program.opts(), terminal);
  });
  try {
    await program.parseAsync(args, { from: 'user' });
    return session?.exitCode ?? EXIT.done;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage;
    return report(error, session, terminal);
  } finally {
    session?.close();
  }
}

function prepare(program: ReturnType<typeof createProgram>, { stdout, stderr }: Terminal) {
  const settings = {
    writeOut: (text: string) => void stdout.write(text),
    writeErr: (text: string) => void stderr.write(text),
    outputError: (text: string, write: (text: string) => void) => {
      write(createPaint(stderr)('red', text));
    },
  };
  const each = (command: typeof program | (typeof program.commands)[number]) => {
    command.exitOverride().configureOutput(settings);
    for (const child of command.commands) each(child);
  };
  each(program);
}

function report(error: unknown, session: Session | undefined, { stderr, signal }: Terminal) {
  const explained =
    signal.aborted && !(error instanceof Interrupted)
      ? new Interrupted()
      : explainError(error, addressOf(session));
  const paint = session?.output.layoutOf(stderr).paint ?? createPaint(stderr);
  // After the terminal's own ^C.
  if (explained instanceof Interrupted && stderr.isTTY === true) stderr.write('\n');
  stderr.write(`${formatError(explained, paint).join('\n')}\n`);
  return explained.exitCode;
}

// The address may itself be the mistake; then it cannot be named.
function addressOf(session: Session | undefined): string {
  try {
    return session?.address ?? DEFAULT_OPERATOR;
  } catch {
    return DEFAULT_OPERATOR;
  }
}

function formatError(error: CliError, paint: ReturnType<typeof createPaint>): string[] {
  const isCalm = error instanceof Interrupted;
  const next = error.next.map((line, index) => `${index === 0 ? 'next' : '    '}  ${line}`);
  return [
    paint(isCalm ? 'yellow' : 'red', error.message),
    ...error.details.map((line) => `  ${line}`),
    ...next.map((line) => paint('dim', line.slice(0, 4)) + line.slice(4)),
  ];
}
