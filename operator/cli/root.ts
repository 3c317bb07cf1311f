/** The root command: the options that every command takes, and what commands are added to. */
import { Command, Option } from '@commander-js/extra-typings';
import { DEFAULT_OPERATOR } from './connect.ts';
import { FORMATS } from './output/output.ts';
import type { Session } from './session.ts';

/** The session of the command that runs; set before its action. */
export type UseSession = () => Session;
export type Program = ReturnType<typeof createRoot>;

export function createRoot(version: string) {
  return new Command('relink')
    .description('Moves live links between services: calls to events and back, nothing lost.')
    .version(version, '--version', 'print the version')
    .helpOption('-h, --help', 'say how a command is used')
    .addOption(
      new Option('--operator <host:port>', `the operator (RELINK_OPERATOR; ${DEFAULT_OPERATOR})`),
    )
    .addOption(
      new Option('--output <format>', 'how to print').choices(FORMATS).default('text' as const),
    )
    .option('--json', 'the same as --output json')
    .option('--yes', 'go on without being asked')
    .option('--no-input', 'never ask; fail and name the flag that is missing')
    .option('--no-color', 'print without colours (as NO_COLOR does)')
    .configureHelp({ showGlobalOptions: true })
    .addHelpText('after', () => `\n${EXIT_CODES}`);
}

const EXIT_CODES = `Exit codes: 0 done · 1 failed · 2 usage · 3 waiting for a gate or a person
4 incompatible contract · 5 rolled back · 6 another run holds the link
7 verification found a difference · 130 Ctrl-C (the run goes on)`;
