/** A move by the command line, to its end. */
import assert from 'node:assert/strict';
import { relink } from '../rigs/cli.ts';

/** It waits for a person, who completes it. */
const EXIT_WAITS = 3;

export async function moveToEnd(
  operator: string,
  { link, to, settings }: { link: string; to: string; settings: readonly string[] },
): Promise<void> {
  const sets = settings.flatMap((one) => ['--set', one]);
  const move = ['start', link, '--to', to, '--way-back', 'none', '--yes', ...sets];
  const started = await relink(operator, ...move);
  assert.equal(started.exitCode, EXIT_WAITS, started.stderr + started.stdout);
  const completed = await relink(operator, 'complete', 'last', '--confirm', link);
  assert.equal(completed.exitCode, 0, completed.stderr + completed.stdout);
}
