/** The whole command line: the root command with every group of commands. */
import { Command } from '@commander-js/extra-typings';
import { addCertificateCommands } from './commands/certificates.ts';
import { addContractCommands } from './commands/contracts.ts';
import { addControlCommands } from './commands/control.ts';
import { addDeadLetterCommands } from './commands/deadLetters.ts';
import { addErasureCommands } from './commands/erasure.ts';
import { addLinkCommands } from './commands/links.ts';
import { addParkedCommands } from './commands/parked.ts';
import { addReconcileCommand } from './commands/reconcile.ts';
import { addRunCommands } from './commands/runs.ts';
import { addStartCommands } from './commands/start.ts';
import { addStreamCommands } from './commands/streams.ts';
import { addVerifyCommand } from './commands/verify.ts';
import { createRoot, type Program, type UseSession } from './root.ts';

/** `use` gives the commands what they work with. */
export function createProgram(version: string, use: UseSession): Program {
  const program = createRoot(version);
  program.addHelpCommand(
    new Command('help [command]').helpGroup('See:').summary('show how to use a command'),
  );
  program.commandsGroup('See:');
  addLinkCommands(program, use);
  addRunCommands(program, use);
  program.commandsGroup('Move:');
  addStartCommands(program, use);
  addControlCommands(program, use);
  program.commandsGroup('Prove and repair:');
  addVerifyCommand(program, use);
  addReconcileCommand(program, use);
  addCertificateCommands(program, use);
  addErasureCommands(program, use);
  addDeadLetterCommands(program, use);
  addParkedCommands(program, use);
  addContractCommands(program, use);
  addStreamCommands(program, use);
  pointToHelp(program, 'relink');
  return program;
}

/** After a usage error every command names its own help. */
function pointToHelp(command: { commands: readonly unknown[] }, path: string): void {
  const self = command as Command;
  self.showHelpAfterError(`\n  ${path} --help`);
  for (const child of self.commands) pointToHelp(child, `${path} ${child.name()}`);
}
