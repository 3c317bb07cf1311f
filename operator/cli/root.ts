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
    .description(
      'Moves live links between services from calls to events and back, without losing a message.',
    )
    .version(version, '--version', 'print the version')
    .helpOption('-h, --help', 'show how to use a command')
    .addOption(
      new Option('--operator <host:port>', `the operator (RELINK_OPERATOR; ${DEFAULT_OPERATOR})`),
    )
    .addOption(
      new Option('--output <format>', 'output format').choices(FORMATS).default('text' as const),
    )
    .option('--json', 'short for --output json')
    .option('--yes', 'answer yes to every question')
    .option('--no-input', 'never ask; fail and name the missing flag')
    .option('--no-color', 'disable colours, as NO_COLOR does')
    .configureHelp({ showGlobalOptions: true })
    .addHelpText('after', () => `\n${EXIT_CODES}`);
}

const EXIT_CODES = `Exit codes: 0 done · 1 failed · 2 usage · 3 waiting for a gate or a person
4 incompatible contract · 5 rolled back · 6 another run holds the link
7 verification found a difference · 130 Ctrl-C (the run goes on)`;
