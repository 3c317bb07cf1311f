/**
 * What asks a process to end: SIGTERM, Ctrl-C, or its terminal that is closed. The first signal asks
 * it to end in order, a later one ends it at once. npm passes Ctrl-C on to a process that has it
 * from the terminal already, so signals that come together count as one.
 *
 * nohup has a process ignore SIGHUP, but Node takes that back when it starts (and npm, which is a
 * Node, for all below it), so the signal itself says nothing. What is left of nohup is what shells
 * put into `_`, and a standard input that cannot be read.
 */
import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { basename } from 'node:path';
import { readEnvironment } from './environment.ts';

const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;
const SAME_PRESS_MS = 300;
const ACCESS_MODE = 0o3; // the bits of a file's flags that say how it was opened

export type EndSignal = (typeof SIGNALS)[number];

/** Why an AbortSignal of `endSignal` is aborted. */
export class EndRequested extends Error {
  readonly signal: EndSignal;
  constructor(signal: EndSignal) {
    super(`interrupted by ${signal}`);
    this.signal = signal;
  }
}

/** Aborts with EndRequested at the first of `signals`; from then on a later one ends the process. */
export function endSignal(signals: readonly EndSignal[] = SIGNALS): AbortSignal {
  const request = new AbortController();
  let askedAtMs = 0;
  const ask = (signal: EndSignal) => {
    if (!request.signal.aborted) {
      askedAtMs = performance.now();
      request.abort(new EndRequested(signal));
    } else if (performance.now() - askedAtMs > SAME_PRESS_MS) {
      process.exit(128 + constants.signals[signal]);
    }
  };
  const isIgnored = isUnderNohup();
  for (const signal of signals) {
    process.on(signal, () => {
      if (signal !== 'SIGHUP' || !isIgnored) ask(signal);
    });
  }
  return request.signal;
}

function isUnderNohup(): boolean {
  return basename(readEnvironment('_') ?? '') === 'nohup' || isInputWriteOnly();
}

/** So that nobody waits for input, nohup opens a null device in its place that cannot be read. */
function isInputWriteOnly(): boolean {
  try {
    const [, flags = ''] =
      /^flags:\s*(\d+)$/m.exec(readFileSync('/proc/self/fdinfo/0', 'utf8')) ?? [];
    return (Number.parseInt(flags, 8) & ACCESS_MODE) === 1;
  } catch {
    return false; // not Linux
  }
}
