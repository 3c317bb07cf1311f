/** The entry of the `relink` command. */
import { enableCompileCache } from 'node:module';
import { EXIT } from './exitCode.ts';

// Halves the start-up time: from the second call on, TypeScript is not compiled again.
enableCompileCache();
const { runCli } = await import('./cli.ts');
const { endSignal } = await import('../../runtime/endSignal.ts');
const { outliveReaders } = await import('../../runtime/outputs.ts');

// `relink status last --watch | head -1`: the reader has seen enough, so nothing is followed further.
const reader = new AbortController();
outliveReaders(() => reader.abort());
const ctrlC = endSignal(['SIGINT']);

const { stdin, stdout, stderr } = process;
// Not process.exit: what was written to a pipe has to arrive first.
const exitCode = await runCli(process.argv.slice(2), {
  stdin,
  stdout,
  stderr,
  signal: AbortSignal.any([ctrlC, reader.signal]),
});
const isForReader = exitCode === EXIT.interrupted && !ctrlC.aborted;
process.exitCode = isForReader ? EXIT.done : exitCode;
