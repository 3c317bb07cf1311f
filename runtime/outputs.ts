/**
 * What a process says and nobody takes: its reader has ended (`… | head -1`), the disk is full, the
 * terminal is gone. Node would end the process with a stack trace; here it goes on to its own end.
 */
import { fstatSync } from 'node:fs';

const STDOUT = 1;
const STDERR = 2;

/**
 * From now on words that nobody takes are dropped. Output that is lost, and not because its reader
 * has seen enough, makes exit code 0 a 1, with a sentence on stderr. `onEnd` is called when standard
 * output takes nothing more.
 */
export function outliveReaders(onEnd: () => void = () => {}): void {
  let isIncomplete = false;
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE' && !isIncomplete) {
      isIncomplete = true;
      reportLoss(error);
    }
    onEnd();
  });
  process.stderr.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE' && isOnePipe()) onEnd();
  });
}

function reportLoss(error: Error): void {
  process.stderr.write(`standard output is incomplete: ${error.message}\n`);
  process.once('exit', () => {
    process.exitCode ||= 1;
  });
}

/** `2>&1 |`: who does not read one of them does not read the other. */
function isOnePipe(): boolean {
  const [out, err] = [fstatSync(STDOUT), fstatSync(STDERR)];
  return out.ino === err.ino && out.dev === err.dev;
}
