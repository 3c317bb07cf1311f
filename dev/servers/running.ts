/** Inspects processes that we did not start, by their id. */

import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);
const POLL_MS = 50;

/** The command line of a running process; undefined when it has ended. */
export async function commandOf(pid: number): Promise<string | undefined> {
  const line =
    process.platform === 'linux'
      ? readFile(`/proc/${pid}/cmdline`, 'utf8').then((text) => text.replaceAll('\0', ' '))
      : run('ps', ['-p', String(pid), '-o', 'command=']).then(({ stdout }) => stdout);
  return line.then(
    (text) => text.trim() || undefined,
    () => undefined,
  );
}

/** Waits until process `pid` no longer has `path` in its command line; false after the limit. */
export async function waitUntilGone(pid: number, path: string, limitMs: number): Promise<boolean> {
  const deadline = performance.now() + limitMs;
  while ((await commandOf(pid))?.includes(path)) {
    if (performance.now() > deadline) return false;
    await sleep(POLL_MS);
  }
  return true;
}

/** The process id in the first line of a file; undefined when there is none. */
export async function readPid(file: string): Promise<number | undefined> {
  const text = await readFile(file, 'utf8').catch(() => '');
  const pid = Number.parseInt(text, 10);
  return Number.isInteger(pid) && pid > 0 ? pid : undefined;
}
