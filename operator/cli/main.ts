/** The entry of the `relink` command. */
import { enableCompileCache } from 'node:module';
import { EXIT } from './exitCode.ts';

// Halves the start-up time: from the second call on, TypeScript is not compiled again.
enableCompileCache();
const { runCli } = await import('./cli.ts');
const { endSignal } = await import('../../runtime/endSignal.ts');

// `relink links | head -1`: the reader has seen enough.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(EXIT.done);
  throw error;
});

const { stdin, stdout, stderr } = process;
// Not process.exit: what was written to a pipe has to arrive first.
process.exitCode = await runCli(process.argv.slice(2), {
  stdin,
  stdout,
  stderr,
  signal: endSignal(['SIGINT']),
});
