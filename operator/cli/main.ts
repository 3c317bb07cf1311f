/** The entry of the `relink` command. */
import { enableCompileCache } from 'node:module';
import { EXIT } from './exitCode.ts';

// Halves the start-up time: from the second call on, TypeScript is not compiled again.
enableCompileCache();
const { runCli } = await import('./cli.ts');

// One Ctrl-C may arrive twice: from the terminal, and passed on by the launcher or by npm.
const SAME_PRESS_MS = 300;

const interrupt = new AbortController();
let interruptedAt = 0;
process.on('SIGINT', () => {
  // A second one exits at once.
  if (interrupt.signal.aborted && Date.now() - interruptedAt > SAME_PRESS_MS) {
    process.exit(EXIT.interrupted);
  }
  interruptedAt ||= Date.now();
  interrupt.abort();
});

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
  signal: interrupt.signal,
});
