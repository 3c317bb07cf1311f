import type { CommandEnd, Measure, Reading, StepContext } from '../plan.ts';
import { seldom } from './seldom.ts';

const NAME = 'gate command';
/** Between two runs of the command: it may be expensive, and the soak may last days. */
const EVERY_MS = 5_000;
const PASS = 0;
const FAIL = 1;

/**
 * Judges by the exit code of the command named at the start of the run: 0 passes, 1 fails, anything
 * else (a timeout too) proves nothing. It runs where the operator runs, and only when that operator
 * was started to allow commands.
 */
export const gateCommand: Measure = {
  name: NAME,
  unanswered: 'inconclusive',
  isOfRun: true,
  thresholds: ['gate_command_seconds'],
  read: seldom(
    async (context) => [await readCommand(context)],
    () => EVERY_MS,
  ),
};

async function readCommand(context: StepContext): Promise<Reading> {
  const { run, runCommand, signal } = context;
  const limitMs = run.settings.gate_command_seconds * 1_000;
  if (!runCommand) return reading('wait', 'this operator does not allow commands');
  const end = await runCommand(run, { limitMs, signal });
  return reading(verdictOf(end), describe(end, limitMs));
}

function verdictOf({ exitCode }: CommandEnd): Reading['verdict'] {
  if (exitCode === PASS) return 'pass';
  return exitCode === FAIL ? 'fail' : 'wait';
}

function describe({ exitCode, lastLine }: CommandEnd, limitMs: number): string {
  const end = exitCode === undefined ? `timed out after ${limitMs / 1_000} s` : `exit ${exitCode}`;
  return lastLine === '' ? end : `${end}: ${lastLine}`;
}

function reading(verdict: Reading['verdict'], value: string): Reading {
  return { what: NAME, verdict, value, threshold: `exit ${PASS}` };
}
